import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// `npm run dev` serves the sources and passes requests of the API on to a stack started with `go tool task up`.
// It sees the address that the browser sees: it refuses what pages of other sites send.
const api = { target: process.env.ORAK_SERVER ?? 'http://127.0.0.1:8080', changeOrigin: false }

// What every page needs.
const frame =
  /node_modules\/(react|react-dom|scheduler|i18next|react-i18next|openapi-fetch|get-nonce|@tanstack\/(react-)?(query|router|history|store)[^/]*)\/|src\/(api|format|session\/(?!Login)|i18n\/index|design\/(Button|Notice|Badge|State|ProblemText|Time|Progress)|shell\/(?!AccountMenu)|operate\/(search|deadletters\/filter|uploads\/filter))/

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: 'dist',
    // Data URIs would need exceptions in the Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // What the first page needs is few files: many small ones compress worse, and each is a request.
        codeSplitting: {
          groups: [
            { name: 'frame', test: frame, minShareCount: 2 },
            {
              name: 'home',
              test: /src\/singer\/(Home|list\/(?!FilterForm)|stages\/(?!useLiveUpload|Stages\.tsx)|notes|send\/(?!tus|inTurn|readable|folders|fingerprint|SendingList|[uU]nfinished))/,
            },
          ],
        },
      },
    },
    target: ['chrome123', 'firefox120', 'safari17.5'],
  },
  server: { proxy: { '/v1': api, '/docs': api } },
})
