import { useSyncExternalStore } from 'react'
import { queries } from '../../api/queries'
import { belongsToLogin } from '../../session/belongings'
import { endSession } from '../../session/session'
import { type Decision, decide } from '../deadletters/api'
import { Bulk, type Letter, pagesOf, type Report } from './bulk'

/** A bulk decision that runs or has ended. */
export type Operation = { id: string; decision: Decision; bulk: Bulk }

/** Reads a page of the letters that match. */
export type Read = (token: string | undefined) => Promise<{ letters: Letter[]; next?: string }>

// It outlives the pages, so that looking at another one, or a new login, does not end it half way.
let current: Operation | undefined
const listeners = new Set<() => void>()

function changed(next: Operation | undefined) {
  current = next
  for (const listener of listeners) listener()
}

/** Whether a bulk decision is under way: only one may be. */
export function isDeciding(): boolean {
  return current?.bulk.open ?? false
}

/** Decides on the given letters, or on all that are read page after page. */
export function begin(decision: Decision, letters: Letter[] | Read, total: number) {
  if (isDeciding()) return
  const operation = crypto.randomUUID()
  const bulk: Bulk = new Bulk({
    letters: Array.isArray(letters)
      ? letters
      : pagesOf(async (token) => {
          const read = await bulk.patiently(() => letters(token))
          return read && read.answer
        }),
    total,
    decide: (letter) => decide(letter, decision, operation),
  })
  start({ id: operation, decision, bulk })
}

/** Decides once more on those that were refused. */
export function retry({ decision, bulk }: Operation) {
  const letters = bulk.report().failed.map(({ letter }) => letter)
  begin(decision, letters, letters.length)
}

/** Forgets the operation, once it has ended. */
export function dismiss() {
  if (!isDeciding()) changed(undefined)
}

belongsToLogin({
  atRisk: isDeciding,
  drop: () => {
    current?.bulk.stop()
    changed(undefined)
  },
})

function start(operation: Operation) {
  const { bulk } = operation
  changed(operation)
  let ended = false
  bulk.subscribe(() => {
    const lost = bulk.report().waiting?.problem.status === 401
    if (lost && !ended) endSession()
    ended = lost
  })
  window.addEventListener('beforeunload', ask)
  void bulk.run().finally(() => {
    window.removeEventListener('beforeunload', ask)
    changed(current)
    void queries.invalidateQueries({ queryKey: ['dead-letters'] })
    void queries.invalidateQueries({ queryKey: ['attention'] })
  })
}

function ask(event: BeforeUnloadEvent) {
  event.preventDefault()
}

/** The bulk decision that runs or has ended, if there is one. */
export function useOperation(): Operation | undefined {
  return useSyncExternalStore(subscribe, () => current)
}

/** Whether a bulk decision is under way, so that no other one may begin. */
export function useDeciding(): boolean {
  return useSyncExternalStore(subscribe, isDeciding)
}

function subscribe(listener: () => void) {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** How far a bulk decision is: a few times a second while it runs, since a page shows no more than that. */
export function useReport(bulk: Bulk): Report {
  return useSyncExternalStore((listener) => seldom(bulk, listener), bulk.report)
}

function seldom(bulk: Bulk, listener: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  const end = bulk.subscribe(() => {
    timer ??= setTimeout(() => {
      timer = undefined
      listener()
    }, 150)
  })
  return () => {
    clearTimeout(timer)
    end()
  }
}
