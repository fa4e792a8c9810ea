import { lazy, Suspense, useEffect, useSyncExternalStore } from 'react'
import { Quiet } from './Quiet'

/** Something that was done, in words. */
export type Said = { id: number; text: string }

let said: readonly Said[] = []
let last = 0
const listeners = new Set<() => void>()

function change(next: readonly Said[]) {
  said = next
  for (const listener of listeners) listener()
}

/** Says at the edge of the page that something was done; screen readers read it out. */
export function say(text: string) {
  last++
  change([...said.slice(-2), { id: last, text }])
}

/** Takes back what was said, once it was shown long enough. */
export function forget(id: number) {
  change(said.filter((other) => other.id !== id))
}

function subscribe(listener: () => void) {
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
  }
}

const Shown = lazy(() => import('./ToastList').then((module) => ({ default: module.ToastList })))

/** The place of what `say` says. There is one, in the frame of the pages that use it; its code is loaded with the first message. */
export function Toasts() {
  const all = useSyncExternalStore(subscribe, () => said)
  useEffect(() => () => change([]), [])
  return (
    <Quiet>
      <Suspense>{last > 0 && <Shown all={all} />}</Suspense>
    </Quiet>
  )
}
