import type { paths } from '../../api/contract'
import { parseNote } from '../notes/notes'

/** The filters of the list, as they stand in the address. */
export type Filters = {
  text?: string
  status?: Status
  key?: string
  low?: string
  high?: string
  tempo_min?: number
  tempo_max?: number
  duration_min?: number
  duration_max?: number
}

type Query = NonNullable<paths['/v1/uploads']['get']['parameters']['query']>

/** Statuses as singers tell them apart. */
export const statuses = {
  ready: ['completed'],
  working: ['queued', 'converting', 'analyzing', 'publishing'],
  failed: ['dead_lettered', 'discarded', 'expired'],
  canceled: ['canceled'],
} as const satisfies Record<string, readonly string[]>

/** A group of statuses. */
export type Status = keyof typeof statuses

const numbers = ['tempo_min', 'tempo_max', 'duration_min', 'duration_max'] as const

/** Reads the filters from an address; what makes no sense is left out. */
export function readFilters(search: Record<string, unknown>): Filters {
  const filters: Filters = {}
  const text = textOf(search.text)
  if (text) filters.text = text.slice(0, 255)
  if (typeof search.status === 'string' && search.status in statuses) filters.status = search.status as Status
  const key = textOf(search.key)
  if (key && /^([A-G]#?)?( ?(major|minor))?$/.test(key)) filters.key = key
  for (const end of ['low', 'high'] as const) {
    const note = textOf(search[end])
    if (note && parseNote(note) !== undefined) filters[end] = note
  }
  for (const name of numbers) {
    const value = Number(search[name])
    if (search[name] !== undefined && search[name] !== '' && Number.isFinite(value) && value >= 0) filters[name] = value
  }
  return filters
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value).trim() : ''
}

const ranges = ['tempo', 'duration'] as const

/** A filter with a least and a largest value. */
export type RangeName = (typeof ranges)[number]

/** Whether the least value of a range is above the largest. */
export function isReversed(filters: Filters, name: RangeName): boolean {
  const { [`${name}_min` as const]: min, [`${name}_max` as const]: max } = filters
  return min !== undefined && max !== undefined && min > max
}

/** The query of the API for filters, which refuses ranges that are reversed. */
export function queryOf({ status, ...rest }: Filters): Query {
  const query: Query = { kind: 'voice', ...rest, ...(status && { status: [...statuses[status]] }) }
  for (const name of ranges.filter((range) => isReversed(rest, range))) {
    delete query[`${name}_min`]
    delete query[`${name}_max`]
  }
  return query
}

/** How many filters beside the text and the status are set. */
export function moreCount({ text: _text, status: _status, ...more }: Filters): number {
  return Object.values(more).filter((value) => value !== undefined).length
}
