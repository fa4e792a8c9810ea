import createClient, { type Middleware } from 'openapi-fetch'
import type { components, paths } from './contract'
import { Problem } from './problem'

/** The types of the API's contract. */
export type Schemas = components['schemas']

// What the session adds to requests. The cookie itself cannot be read by the page.
const session = { csrf: '', allTenants: false }

/** Says what the session adds to requests: the token against cross-site requests, and whether operators' routes ask for all tenants. */
export function sendInRequests(csrf: string, allTenants: boolean) {
  session.csrf = csrf
  session.allTenants = allTenants
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

/** The API, typed by its contract. Its calls give what `answer` takes. */
export const api = createClient<paths>({ baseUrl: '/', credentials: 'same-origin' })
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
