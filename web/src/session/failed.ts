/** A login at the identity provider that failed: why, by a code that the page has words for, and where the person was. */
export type Failed = { problem: Reason; to?: string }

const reasons = ['unauthenticated', 'too-many-logins', 'unavailable'] as const

/** Why a login failed; `other` for what the page has no words of its own for. */
export type Reason = (typeof reasons)[number] | 'other'

/** The server refuses longer ones. */
const longest = 1024

/**
 * A path of this site's pages with its query, in the form that the server takes; undefined for everything else.
 * Browsers take a backslash for a slash and leave control characters out: some texts that begin with one slash lead
 * to another server.
 */
export function pageAt(given: string | null, origin: string): string | undefined {
  if (!given?.startsWith('/') || given.length > longest || !URL.canParse(given, origin)) return undefined
  const url = new URL(given, origin)
  if (url.origin !== origin || url.pathname + url.search !== given) return undefined
  if (url.pathname.includes('//') || /%(2f|5c|[01]|7f)/i.test(url.pathname)) return undefined
  if (/^\/(v1|docs|login)(\/|$)/.test(url.pathname)) return undefined
  return given
}

/** What the address of the login says of a login that failed before. */
export function failedIn(search: string, origin: string): Failed | undefined {
  const given = new URLSearchParams(search)
  const problem = given.get('problem')
  if (!problem) return undefined
  const to = pageAt(given.get('to'), origin)
  return { problem: reasons.find((reason) => reason === problem) ?? 'other', ...(to && { to }) }
}

/** Where the browser goes to log in at the identity provider, and returns from to the page that is open. */
export function providerFrom(page: Location): string {
  const to = pageAt(page.pathname + page.search, page.origin)
  return !to || to === '/' ? '/v1/session/oidc' : `/v1/session/oidc?to=${encodeURIComponent(to)}`
}
