import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { setNonce } from 'get-nonce'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { onStaleToken } from './api/client'
import { onSessionEnded, queries } from './api/queries'
import './design/tokens.css'
import './design/base.css'
import { startTranslation } from './i18n'
import { router } from './router'
import { sweep } from './session/left'
import { endSession, renewSession } from './session/session'
import { applyTheme } from './shell/theme'

const place = document.getElementById('root')
if (!place) throw new Error('the page has no element #root')

// Radix inserts style elements, which the Content-Security-Policy permits with this nonce alone.
setNonce(document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '')
applyTheme()
sweep(localStorage, Date.now(), indexedDB)
onSessionEnded(endSession)
onStaleToken(renewSession)
await startTranslation()

createRoot(place).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
)
