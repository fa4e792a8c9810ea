import { useEffect, useSyncExternalStore } from 'react'
import styles from './Toast.module.css'

type Said = { id: number; text: string }

/** How long a message stays, in milliseconds. It only repeats what the page shows. */
const shown = 7_000

let said: Said[] = []
let last = 0
const listeners = new Set<() => void>()

function change(next: Said[]) {
  said = next
  for (const listener of listeners) listener()
}

/** Says at the edge of the page that something was done; screen readers read it out. */
export function say(text: string) {
  last++
  change([...said.slice(-2), { id: last, text }])
}

function subscribe(listener: () => void) {
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
  }
}

/** The place of what `say` says. There is one, in the frame of the pages that use it. */
export function Toasts() {
  const all = useSyncExternalStore(subscribe, () => said)
  useEffect(() => () => change([]), [])
  return (
    <div className={styles.place} role="status" aria-live="polite" aria-relevant="additions">
      {all.map((message) => (
        <Toast key={message.id} message={message} />
      ))}
    </div>
  )
}

function Toast({ message }: { message: Said }) {
  useEffect(() => {
    const timer = setTimeout(() => change(said.filter((other) => other.id !== message.id)), shown)
    return () => clearTimeout(timer)
  }, [message.id])
  return <p className={styles.toast}>{message.text}</p>
}
