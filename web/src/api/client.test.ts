import { afterEach, expect, test, vi } from 'vitest'
import { fetchRenewing, holderChanged, onStaleToken, sendInRequests } from './client'

const refusal = () =>
  new Response(JSON.stringify({ type: 'urn:orak:problem:csrf', detail: 'stale' }), {
    status: 403,
    headers: { 'Content-Type': 'application/problem+json' },
  })

const written = () =>
  new Request('http://orak.test/v1/x', { method: 'POST', body: 'same', headers: { 'X-Orak-CSRF': 'old' } })

/** A server that knows one token. */
function server(token: string) {
  const seen: string[] = []
  vi.stubGlobal('fetch', async (request: Request) => {
    seen.push(`${request.headers.get('X-Orak-CSRF')} ${await request.text()}`)
    return request.headers.get('X-Orak-CSRF') === token ? new Response('done') : refusal()
  })
  return seen
}

afterEach(() => vi.unstubAllGlobals())

test('A request whose token is stale is sent once more with the fresh one', async () => {
  const seen = server('new')
  onStaleToken(async () => sendInRequests('new', false))
  expect((await fetchRenewing(written())).status).toBe(200)
  expect(seen).toEqual(['old same', 'new same'])
})

test('It is sent once more only once', async () => {
  const seen = server('newest')
  onStaleToken(async () => sendInRequests('new', false))
  expect((await fetchRenewing(written())).status).toBe(403)
  expect(seen.length).toBe(2)
})

test('It is not sent for somebody else who has logged in meanwhile', async () => {
  const seen = server('new')
  onStaleToken(async () => {
    holderChanged()
    sendInRequests('new', false)
  })
  const response = await fetchRenewing(written())
  expect(response.status).toBe(403)
  expect(await response.json()).toMatchObject({ detail: 'stale' })
  expect(seen.length).toBe(1)
})
