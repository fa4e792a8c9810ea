import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// `npm run dev` serves the sources and passes requests of the API on to a stack started with `go tool task up`.
// It sees the address that the browser sees: it refuses what pages of other sites send.
const api = { target: process.env.ORAK_SERVER ?? 'http://127.0.0.1:8080', changeOrigin: false }

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: 'dist',
    // Data URIs would need exceptions in the Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: ['chrome123', 'firefox120', 'safari17.5'],
  },
  server: { proxy: { '/v1': api, '/docs': api } },
})
