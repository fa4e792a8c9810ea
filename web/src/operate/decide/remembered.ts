import { belongsToLogin } from '../../session/belongings'
import type { Decision } from '../deadletters/api'

const name = 'orak.by'

// Only as long as the page is open: reasons may name people.
const given: string[] = []

/** Who decided last in this browser, where the server knows no credential. */
export function person(): string {
  return localStorage.getItem(name) ?? ''
}

/** The last reasons, the latest first. */
export function reasons(): readonly string[] {
  return given
}

/** Remembers the reason, and who decided. */
export function remember({ reason, by }: Decision) {
  const place = given.indexOf(reason)
  if (place >= 0) given.splice(place, 1)
  given.unshift(reason)
  given.splice(4)
  if (by) localStorage.setItem(name, by)
}

belongsToLogin({ drop: () => given.splice(0) })
