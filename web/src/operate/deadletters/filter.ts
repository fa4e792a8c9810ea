import type { operations } from '../../api/contract'
import { compact, type Given, textOf, wordsOf } from '../search'

/** Which dead letters are shown, as it stands in the address. */
export type Filter = {
  /** Stages, separated by commas. */
  stage?: string
  /** Classes of failures, separated by commas. */
  class?: string
  /** A part of the file name, the message or the id. */
  text?: string
  /** An age such as 6h, or a time: failed last before it. */
  older?: string
  /** As older: failed last after it. */
  newer?: string
}

/** What the API takes as filters. */
export type Query = NonNullable<operations['listDeadLetters']['parameters']['query']>

type Stages = Query['stage']
type Classes = Query['class']

/** Reads the filter of an address. Words that the API does not know stay: it refuses them, where leaving them out would select more. */
export function filterOf(given: Given): Filter {
  return compact({
    stage: wordsOf(given.stage)?.join(','),
    class: wordsOf(given.class)?.join(','),
    text: textOf(given.text),
    older: textOf(given.older),
    newer: textOf(given.newer),
  })
}

/** The filters of the API. */
export function queryOf(filter: Filter): Query {
  return compact({
    stage: wordsOf(filter.stage) as Stages,
    class: wordsOf(filter.class) as Classes,
    text: filter.text,
    older_than: filter.older,
    newer_than: filter.newer,
  })
}

const age = /^(\d+)([mh])$/

/** An age as the time that it is at a moment; a time stays what it is. */
function fixed(when: string | undefined, now: Date): string | undefined {
  const [, count, unit] = (when && age.exec(when)) || []
  if (!count) return when
  return new Date(now.getTime() - Number(count) * (unit === 'h' ? 3_600_000 : 60_000)).toISOString()
}

/**
 * The filters of the API as of a moment: they select the same letters for as long as a bulk decision takes, and
 * none that failed after it was counted.
 */
export function fixedQuery(filter: Filter, now: Date): Query {
  return compact({
    ...queryOf(filter),
    older_than: fixed(filter.older, now),
    newer_than: fixed(filter.newer, now),
    before: now.toISOString(),
  })
}

/** Whether the filter leaves something out. */
export function filters(filter: Filter): boolean {
  return Object.values(filter).some((value) => value !== undefined)
}

type Group = { stage: string; class: string; count: number }

/** How many letters of counted groups the filter selects, by stage and by class: each as if nothing were chosen of its own kind. */
export function facets(groups: Group[], filter: Filter) {
  const stages = wordsOf(filter.stage)
  const classes = wordsOf(filter.class)
  const byStage = new Map<string, number>()
  const byClass = new Map<string, number>()
  let total = 0
  for (const group of groups) {
    const stage = !stages || stages.includes(group.stage)
    const kind = !classes || classes.includes(group.class)
    if (kind) byStage.set(group.stage, (byStage.get(group.stage) ?? 0) + group.count)
    if (stage) byClass.set(group.class, (byClass.get(group.class) ?? 0) + group.count)
    if (stage && kind) total += group.count
  }
  return { byStage, byClass, total }
}
