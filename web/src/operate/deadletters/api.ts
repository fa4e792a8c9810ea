import { queryOptions } from '@tanstack/react-query'
import { answer, api, everyTenant, type Schemas } from '../../api/client'
import type { Letter } from '../bulk/bulk'
import type { Rows } from '../list/merge'
import type { Query } from './filter'

/** A dead letter of the list. */
export type DeadLetter = Schemas['DeadLetter']

/** Everything about a dead letter. */
export type Detail = Schemas['DeadLetterDetail']

/** The first step that runs again; empty is the one that failed. */
export type From = NonNullable<Schemas['ReprocessRequest']['from']>

/** What is done about dead letters. */
export type Decision = {
  kind: 'reprocess' | 'discard'
  reason: string
  /** Who decides, where the server knows no credential. */
  by?: string
  from?: From
  options?: Record<string, string>
}

/** The most that one page of the API has. */
const pageSize = 200

// All tenants where that may be asked for; otherwise the credential's, or the one that the address names.
function tenant(named?: string) {
  return { 'X-Orak-Tenant': everyTenant() ?? named }
}

/** Reads a page of dead letters, the latest first. */
export async function readPage(query: Query, token?: string, signal?: AbortSignal): Promise<Rows<DeadLetter>> {
  const params = { header: tenant(), query: { ...query, page_size: pageSize, page_token: token } }
  const page = await answer(api.GET('/v1/dead-letters', { params, signal }))
  return { rows: page.dead_letters, next: page.next }
}

/** How many dead letters match, by stage and class: as the page shows it, or as asked before a decision, which counts anew. */
export function countsQuery(query: Query, as: 'shown' | 'asked' = 'shown') {
  return queryOptions({
    queryKey: ['dead-letters', 'counts', as, query],
    queryFn: ({ signal }) =>
      answer(api.GET('/v1/dead-letters/counts', { params: { header: tenant(), query }, signal })),
  })
}

/** Everything about a dead letter. The tenant is the one that the address names, if it does. */
export function detailQuery(id: string, named?: string) {
  return queryOptions({
    queryKey: ['dead-letters', 'detail', id, named],
    queryFn: ({ signal }) =>
      answer(api.GET('/v1/dead-letters/{id}', { params: { header: tenant(named), path: { id } }, signal })),
  })
}

/**
 * Decides on a dead letter. The operation makes repeats the same request; the cycle tells a letter that failed again
 * from the one that was decided.
 */
export function decide(letter: Letter, decision: Decision, operation: string): Promise<Schemas['Upload']> {
  const { kind, reason, by, from, options } = decision
  const params = {
    path: { id: letter.id },
    header: { 'X-Orak-Tenant': letter.tenant, 'Idempotency-Key': `${operation}-${letter.cycle}-${letter.id}` },
  }
  if (kind === 'discard') return answer(api.POST('/v1/dead-letters/{id}/discard', { params, body: { reason, by } }))
  const body = { reason, by, from: from || undefined, options }
  return answer(api.POST('/v1/dead-letters/{id}/reprocess', { params, body }))
}
