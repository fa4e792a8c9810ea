import { queryOptions } from '@tanstack/react-query'
import { answer, api, everyTenant, type Schemas } from '../../api/client'
import { queries } from '../../api/queries'

/** An API key, without its secret. */
export type Key = Schemas['APIKey']

/** An API key with its secret, as it is shown once. */
export type NewKey = Schemas['NewAPIKey']

const header = () => ({ 'X-Orak-Tenant': everyTenant() })

/** The keys that the credential manages. */
export const keysQuery = queryOptions({
  queryKey: ['keys'],
  queryFn: async ({ signal }) => {
    const list = await answer(api.GET('/v1/admin/keys', { params: { header: header() }, signal }))
    return list.keys
  },
})

/** Makes a key. */
export async function createKey(body: Schemas['APIKeyRequest']): Promise<NewKey> {
  return refreshed(answer(api.POST('/v1/admin/keys', { params: { header: header() }, body })))
}

/** Gives a key a new secret; the old one is valid for the seconds of the overlap. */
export async function rotateKey(id: string, overlapSeconds: number): Promise<NewKey> {
  const params = { header: header(), path: { id } }
  return refreshed(
    answer(api.POST('/v1/admin/keys/{id}/rotate', { params, body: { overlap_seconds: overlapSeconds } })),
  )
}

/** Ends a key, and the upload tokens that it signed. */
export async function revokeKey(id: string): Promise<void> {
  await refreshed(answer(api.DELETE('/v1/admin/keys/{id}', { params: { header: header(), path: { id } } })))
}

async function refreshed<T>(done: Promise<T>): Promise<T> {
  const result = await done
  void queries.invalidateQueries({ queryKey: keysQuery.queryKey })
  return result
}

/** Whether a key has ended. */
export function ended(key: Key, now: number): boolean {
  return key.expires_at !== undefined && Date.parse(key.expires_at) <= now
}

/** Until when the secret before the last rotation is valid, if it still is. */
export function overlapOf(key: Key, now: number): string | undefined {
  return key.previous_until && Date.parse(key.previous_until) > now ? key.previous_until : undefined
}
