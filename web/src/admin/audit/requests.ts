import { infiniteQueryOptions } from '@tanstack/react-query'
import { answer, api, everyTenant, type Schemas } from '../../api/client'

/** What somebody did. */
export type Act = Schemas['Act']

/** Which acts are shown; times are moments, or ages such as 36h. */
export type ActFilter = {
  tenant?: string
  act?: string
  by?: string
  subject?: string
  from?: string
  to?: string
}

/** The acts that a filter lets through, the latest first. */
export function actsQuery({ tenant, ...query }: ActFilter) {
  return infiniteQueryOptions({
    queryKey: ['audit', tenant ?? '', query],
    queryFn: ({ signal, pageParam }) =>
      answer(
        api.GET('/v1/audit', {
          params: { header: { 'X-Orak-Tenant': tenant ?? everyTenant() }, query: { ...query, page_token: pageParam } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next,
  })
}

/** The acts that this page has words for, by their kinds. */
export const acts = {
  key: ['create', 'change', 'rotate', 'revoke'],
  webhook: ['create', 'change', 'remove', 'rotate', 'pause', 'resume', 'ping', 'redeliver'],
  setting: ['set', 'unset'],
  'dead-letter': ['reprocess', 'discard'],
  upload: ['cancel', 'erase'],
  songs: ['import'],
  song: ['remove'],
  reconcile: ['run'],
  session: ['begin'],
  'login-code': ['create'],
} as const

/** The key of an act's words; undefined for acts that this page does not know. */
export function wordsOf(act: string) {
  const [kind, verb] = act.split('.')
  const verbs: readonly string[] = acts[kind as keyof typeof acts] ?? []
  return verb && verbs.includes(verb) ? (`act.${kind}.${verb}` as 'act.key.create') : undefined
}
