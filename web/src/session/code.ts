/** The code in the fragment of an address that the server printed. */
export function codeIn(hash: string): string | undefined {
  return new URLSearchParams(hash.slice(1)).get('code') || undefined
}

// Taken before the router reads the address, and removed from it at once: the code is a secret, and nobody's page.
function take(): string | undefined {
  if (typeof location === 'undefined') return undefined
  const code = codeIn(location.hash)
  if (code || location.pathname === '/login') {
    history.replaceState(null, '', location.pathname === '/login' ? '/' : location.pathname + location.search)
  }
  return code
}

/** The login code that the page was opened with. */
export const openedWith = take()
