import { queryOptions } from '@tanstack/react-query'
import { answer, api, everyTenant, type Schemas } from '../../api/client'
import type { Rows } from '../list/merge'
import { type Filter, queryOf } from './filter'

/** An upload of the list. */
export type Listed = Schemas['ListedUpload']

/** What happened to an upload. */
export type History = Schemas['UploadHistory']

/** Reads a page of uploads, the latest received first. */
export async function readPage(filter: Filter, token?: string, signal?: AbortSignal): Promise<Rows<Listed>> {
  const params = {
    header: { 'X-Orak-Tenant': filter.tenant },
    query: { ...queryOf(filter), page_size: 100, page_token: token },
  }
  const page = await answer(api.GET('/v1/uploads', { params, signal }))
  return { rows: page.uploads, next: page.next }
}

/** What happened to an upload of any tenant that the session may see; of the named one where that is no choice. */
export function historyQuery(id: string, named?: string) {
  return queryOptions({
    queryKey: ['upload', id, 'history', named],
    queryFn: ({ signal }) =>
      answer(
        api.GET('/v1/uploads/{id}/history', {
          params: { path: { id }, header: { 'X-Orak-Tenant': everyTenant() ?? named } },
          signal,
        }),
      ),
  })
}

/** The upload itself, which is read in the name of its tenant. */
export function uploadQuery(id: string, tenant: string | undefined) {
  return queryOptions({
    queryKey: ['upload', id, 'of', tenant],
    queryFn: ({ signal }) =>
      answer(api.GET('/v1/uploads/{id}', { params: { path: { id }, header: { 'X-Orak-Tenant': tenant } }, signal })),
  })
}

/** Asks for the end of an upload. */
export function cancel(id: string, tenant: string | undefined, reason: string): Promise<Schemas['Upload']> {
  const params = { path: { id }, header: { 'X-Orak-Tenant': tenant }, query: { reason: reason || undefined } }
  return answer(api.POST('/v1/uploads/{id}/cancel', { params }))
}
