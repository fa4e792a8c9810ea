import createClient, { type Middleware } from 'openapi-fetch'
import type { components, paths } from './contract'
import { Problem } from './problem'

/** The types of the API's contract. */
export type Schemas = components['schemas']

// What the session adds to requests. The cookie itself cannot be read by the page.
const session = { csrf: '', allTenants: false, holder: 0 }

/** Says what the session adds to requests: the token against cross-site requests, and whether operators' routes ask for all tenants. */
export function sendInRequests(csrf: string, allTenants: boolean) {
  session.csrf = csrf
  session.allTenants = allTenants
}

/** Says that somebody else is logged in, who must not do what was asked before. */
export function holderChanged() {
  session.holder++
}

/** Tells who is logged in from who was: another number after each change. */
export function holder(): number {
  return session.holder
}

/** The headers that a request which changes something needs beside the cookie. */
export function writeHeaders(): Record<string, string> {
  return session.csrf ? { 'X-Orak-CSRF': session.csrf } : {}
}

/** The value of X-Orak-Tenant for routes that can answer for all tenants; undefined leaves it to the credential. */
export function everyTenant(): string | undefined {
  return session.allTenants ? '*' : undefined
}

const writes: Middleware = {
  onRequest({ request }) {
    if (request.method === 'GET' || request.method === 'HEAD') return
    for (const [name, value] of Object.entries(writeHeaders())) request.headers.set(name, value)
  },
}

let renew: () => Promise<void> = async () => {}

/** Registers how the session is read again when its token is refused: another tab has logged in since. */
export function onStaleToken(does: () => Promise<void>) {
  renew = does
}

/** Whether a refusal was for the token alone, and there is a fresh one now of the holder who asked. */
export async function renewedAfter(problem: Problem, asked: number): Promise<boolean> {
  if (problem.status !== 403 || problem.code !== 'csrf') return false
  await renew().catch(() => {})
  return session.csrf !== '' && session.holder === asked
}

/** Sends a request; one whose token was refused is sent once more with that of the session as it is now. */
export async function fetchRenewing(request: Request): Promise<Response> {
  const reads = request.method === 'GET' || request.method === 'HEAD'
  const again = reads ? undefined : request.clone()
  const asked = holder()
  const response = await fetch(request)
  if (!again || response.status !== 403) return response
  const problem = Problem.of(response, await parsed(response.clone()))
  if (!(await renewedAfter(problem, asked))) return response
  for (const [name, value] of Object.entries(writeHeaders())) again.headers.set(name, value)
  return fetch(again)
}

async function parsed(response: Response): Promise<unknown> {
  return response.json().catch(() => undefined)
}

/** The API, typed by its contract. Its calls give what `answer` takes. */
export const api = createClient<paths>({ baseUrl: '/', credentials: 'same-origin', fetch: fetchRenewing })
api.use(writes)

/** The body of a successful answer. Throws a Problem for every other one, and where none came. */
export async function answer<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  let result: Awaited<typeof call>
  try {
    result = await call
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause
    throw Problem.offline(cause)
  }
  if (!result.response.ok) throw Problem.of(result.response, result.error)
  return result.data as T
}
