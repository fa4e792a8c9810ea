import { useEffect } from 'react'
import type { Schemas } from './client'
import { Gather } from './gather'
import { queries } from './queries'
import { keepOpen } from './reopening'

/**
 * Follows the tenant's uploads while the component is shown and the tab is visible: what an event changes is read
 * again. A hidden tab has no stream, since browsers open six connections to a server for all tabs; when it is shown
 * again, it reads everything again.
 */
export function useLiveUploads(enabled: boolean) {
  useEffect(() => {
    if (!enabled) return
    let close: (() => void) | undefined
    function follow() {
      close?.()
      close = document.visibilityState === 'hidden' ? undefined : open()
    }
    function wake() {
      follow()
      if (close) void queries.invalidateQueries()
    }
    follow()
    document.addEventListener('visibilitychange', wake)
    window.addEventListener('online', wake)
    return () => {
      document.removeEventListener('visibilitychange', wake)
      window.removeEventListener('online', wake)
      close?.()
    }
  }, [enabled])
}

function open(): () => void {
  // A bulk decision has hundreds of events a second, and a page that is read cannot follow more than one of them.
  const changes: Gather<string> = new Gather(1_000, (changed) => refresh(changed, (key) => changes.add(key)))
  const close = keepOpen(
    () => {
      const stream = new EventSource('/v1/events')
      stream.addEventListener('upload', (event) => changes.add(...changedBy(JSON.parse(event.data))))
      stream.addEventListener('reset', () => void queries.invalidateQueries())
      return stream
    },
    // Reading anything says whether the session has ended.
    () => void queries.invalidateQueries(),
  )
  return () => {
    close()
    changes.drop()
  }
}

/** The keys of what an event about an upload changes, each as JSON. */
export function changedBy({ id, status }: Pick<Schemas['Upload'], 'id' | 'status'>): string[] {
  const keys = [['uploads'], ['upload', id]]
  if (status === 'queued' || status === 'dead_lettered' || status === 'discarded') {
    keys.push(['dead-letters'], ['attention'])
  }
  return keys.map((key) => JSON.stringify(key))
}

function refresh(changed: ReadonlySet<string>, again: (key: string) => void) {
  for (const json of changed) {
    const queryKey = JSON.parse(json)
    // What is being read is not begun anew: under a steady stream of events it would never be read to its end. It may
    // have been read before the change, so it is read once more afterwards.
    if (queries.isFetching({ queryKey }) > 0) again(json)
    void queries.invalidateQueries({ queryKey }, { cancelRefetch: false })
  }
}
