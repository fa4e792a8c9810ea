import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { answer, api, type Schemas } from '../../api/client'
import { queries } from '../../api/queries'

/** A webhook; its secret only stands in the answers that make it. */
export type Hook = Schemas['Webhook']

/** The sending of one event to one webhook. */
export type Delivery = Schemas['WebhookDelivery']

/** What a webhook is made with, or what of it changes. */
export type HookRequest = Schemas['WebhookRequest']

/** Which deliveries are shown. */
export type Filter = { status?: Delivery['status']; from?: string; to?: string }

/** How often what is under way is read again, in milliseconds. */
const again = 3_000

/** The requests about the webhooks of one tenant; undefined is that of the credential. */
export function hooksOf(tenant: string | undefined) {
  const header = { 'X-Orak-Tenant': tenant }
  const all = ['webhooks', tenant ?? '']
  const of = (id: string) => ({ header, path: { id } })

  async function refreshed<T>(done: Promise<T>): Promise<T> {
    const result = await done
    void queries.invalidateQueries({ queryKey: all })
    return result
  }

  return {
    list: queryOptions({
      queryKey: [...all, 'list'],
      queryFn: async ({ signal }) => (await answer(api.GET('/v1/webhooks', { params: { header }, signal }))).webhooks,
    }),

    one: (id: string) =>
      queryOptions({
        queryKey: [...all, 'one', id],
        queryFn: ({ signal }) => answer(api.GET('/v1/webhooks/{id}', { params: of(id), signal })),
      }),

    deliveries: (id: string, filter: Filter) =>
      infiniteQueryOptions({
        queryKey: [...all, 'deliveries', id, filter],
        queryFn: ({ signal, pageParam }) =>
          answer(
            api.GET('/v1/webhooks/{id}/deliveries', {
              params: { ...of(id), query: { ...filter, page_token: pageParam } },
              signal,
            }),
          ),
        initialPageParam: undefined as string | undefined,
        getNextPageParam: (page) => page.next,
        // Reading again reads every page that is shown: not worth it once there are several.
        refetchInterval: ({ state }) =>
          state.data?.pages.length === 1 && state.data.pages[0]?.deliveries.some(pending) ? again : false,
      }),

    delivery: (id: string, delivery: string) =>
      queryOptions({
        queryKey: [...all, 'delivery', id, delivery],
        queryFn: ({ signal }) =>
          answer(
            api.GET('/v1/webhooks/{id}/deliveries/{delivery}', {
              params: { header, path: { id, delivery } },
              signal,
            }),
          ),
        refetchInterval: ({ state }) => (state.data && !pending(state.data) ? false : again),
      }),

    create: (body: HookRequest) => refreshed(answer(api.POST('/v1/webhooks', { params: { header }, body }))),
    change: (id: string, body: HookRequest) =>
      refreshed(answer(api.PATCH('/v1/webhooks/{id}', { params: of(id), body }))),
    remove: (id: string) => refreshed(answer(api.DELETE('/v1/webhooks/{id}', { params: of(id) }))),
    rotate: (id: string, body: Schemas['RotateRequest']) =>
      refreshed(answer(api.POST('/v1/webhooks/{id}/rotate', { params: of(id), body }))),
    pause: (id: string, reason: string) =>
      refreshed(answer(api.POST('/v1/webhooks/{id}/pause', { params: of(id), body: { reason } }))),
    resume: (id: string) => refreshed(answer(api.POST('/v1/webhooks/{id}/resume', { params: of(id) }))),
    ping: (id: string) => refreshed(answer(api.POST('/v1/webhooks/{id}/ping', { params: of(id) }))),
    redeliver: (id: string, body: Schemas['RedeliverRequest']) =>
      refreshed(answer(api.POST('/v1/webhooks/{id}/redeliver', { params: of(id), body }))),
  }
}

/** The requests about the webhooks of one tenant. */
export type Hooks = ReturnType<typeof hooksOf>

function pending(delivery: Delivery): boolean {
  return delivery.status === 'pending'
}
