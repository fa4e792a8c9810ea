import type { HookRequest } from './requests'

/** A type of event that webhooks can be sent. */
export type EventType = NonNullable<HookRequest['events']>[number]

/** Those that end or stop an upload, and say that another webhook was paused: what the server sends unless it is told. */
export const usual = [
  'orak.upload.completed',
  'orak.upload.dead_lettered',
  'orak.upload.discarded',
  'orak.upload.canceled',
  'orak.upload.expired',
  'orak.upload.erased',
  'orak.webhook.paused',
] as const satisfies EventType[]

/** All that can be chosen, in the order in which an upload meets them. */
export const types = [
  'orak.upload.converted',
  'orak.upload.analyzed',
  'orak.upload.completed',
  'orak.upload.dead_lettered',
  'orak.upload.reprocessed',
  'orak.upload.discarded',
  'orak.upload.canceled',
  'orak.upload.expired',
  'orak.upload.erased',
  'orak.webhook.paused',
] as const satisfies EventType[]

/** How a webhook's events were chosen. */
export type Choice = 'usual' | 'all' | 'some'

/** How the events of a webhook were chosen. */
export function choiceOf(events: readonly string[]): Choice {
  if (events.includes('*')) return 'all'
  const same = events.length === usual.length && usual.every((type) => events.includes(type))
  return same ? 'usual' : 'some'
}

type Named = (typeof types)[number] | 'orak.webhook.ping'

/** The key of an event's name in the messages; undefined for types that this page does not know. */
export function nameOf(type: string) {
  const known: readonly string[] = [...types, 'orak.webhook.ping']
  if (!known.includes(type)) return undefined
  const [, about, what] = (type as Named).split('.')
  return `event.${about}_${what}` as 'event.upload_completed'
}
