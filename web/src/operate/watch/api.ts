import { queryOptions } from '@tanstack/react-query'
import { answer, api, everyTenant, type Schemas } from '../../api/client'

// Read every five seconds, and only while the tab is in sight.
const live = { refetchInterval: 5_000 } as const

function params() {
  return { header: { 'X-Orak-Tenant': everyTenant() } }
}

/** The task queues and who works on them. */
export const queuesQuery = queryOptions({
  queryKey: ['queues'],
  queryFn: ({ signal }) => answer(api.GET('/v1/queues', { params: params(), signal })),
  ...live,
})

/** How far the consumer groups are behind. */
export const lagQuery = queryOptions({
  queryKey: ['lag'],
  queryFn: ({ signal }) => answer(api.GET('/v1/lag', { params: params(), signal })),
  ...live,
})

/** The topics. */
export const topicsQuery = queryOptions({
  queryKey: ['topics'],
  queryFn: ({ signal }) => answer(api.GET('/v1/topics', { params: params(), signal })),
  ...live,
})

/** The outages of dependencies. */
export const outagesQuery = queryOptions({
  queryKey: ['outages'],
  queryFn: ({ signal }) => answer(api.GET('/v1/outages', { params: params(), signal })),
  ...live,
})

/** The last reconciliations. */
export const reconcileQuery = queryOptions({
  queryKey: ['reconcile'],
  queryFn: ({ signal }) => answer(api.GET('/v1/reconcile', { params: params(), signal })),
  ...live,
})

/** The index, the lake and the webhooks. */
export const sinksQuery = queryOptions({
  queryKey: ['sinks'],
  queryFn: ({ signal }) => answer(api.GET('/v1/sinks', { params: params(), signal })),
  ...live,
})

/** Begins a reconciliation, or another one after the one that runs. */
export function reconcile(): Promise<Schemas['ReconcileRequested']> {
  return answer(api.POST('/v1/reconcile', { params: params() }))
}
