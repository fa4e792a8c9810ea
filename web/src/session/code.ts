import { type Failed, failedIn } from './failed'

/** The code in the fragment of an address that the server printed. */
export function codeIn(hash: string): string | undefined {
  return new URLSearchParams(hash.slice(1)).get('code') || undefined
}

// Taken before the router reads the address, and removed from it at once: the code is a secret, and nobody's page.
function take(): { code?: string | undefined; failed?: Failed | undefined } {
  if (typeof location === 'undefined') return {}
  const code = codeIn(location.hash)
  if (location.pathname !== '/login') {
    if (code) history.replaceState(null, '', location.pathname + location.search)
    return { code }
  }
  const failed = failedIn(location.search, location.origin)
  history.replaceState(null, '', failed?.to ?? '/')
  return { code, failed }
}

const opened = take()

/** The login code that the page was opened with. */
export const openedWith = opened.code

/** Why the login at the identity provider failed that the browser is just back from. */
export const openedAfter = opened.failed?.problem
