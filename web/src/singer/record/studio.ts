import { useSyncExternalStore } from 'react'
import { belongsToLogin, carry, isCarried } from '../../session/belongings'
import type { Recorder, Take } from './recorder'

/** What would be lost: a take that is being recorded, or one that was not sent. */
export type Kept = { recorder: Recorder; take?: undefined } | { take: Take; recorder?: undefined }

let kept: Kept | undefined
const listeners = new Set<() => void>()

/** Keeps a take outside of the page that records it: a session that ends shows the login in its place. */
export function keep(next: Kept | undefined) {
  kept = next
  if (next) carry(false)
  for (const listener of listeners) listener()
}

/** Gives up what is kept. */
export function drop() {
  kept?.recorder?.discard()
  keep(undefined)
}

/** Whether something is kept. */
export function isKept(): boolean {
  return kept !== undefined
}

/** Ends the take that is being recorded, if one is; the answer is the take that is kept then. */
export function finish(): Promise<Take | undefined> {
  if (!kept?.recorder) return Promise.resolve(kept?.take)
  const { recorder } = kept
  return new Promise((resolve) => {
    const unsubscribe = subscribe(() => {
      if (kept?.recorder) return
      unsubscribe()
      resolve(kept?.take)
    })
    recorder.stop()
  })
}

function subscribe(listener: () => void) {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

/** What is kept now. */
export function useKept(): Kept | undefined {
  return useSyncExternalStore(subscribe, () => kept)
}

belongsToLogin({ atRisk: () => kept !== undefined, drop })

window.addEventListener('beforeunload', (event) => {
  if (kept && !isCarried()) event.preventDefault()
})
