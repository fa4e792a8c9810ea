import { useEffect } from 'react'
import type { Schemas } from './client'
import { queries } from './queries'

/** How long a tab may have slept before everything it shows is read again, in milliseconds. */
const slept = 30_000

/**
 * Follows the tenant's uploads while the component is shown: what an event changes is read again. A tab that
 * wakes up, and a stream that was cut, read everything again, since events may have been missed.
 */
export function useLiveUploads(enabled: boolean) {
  useEffect(() => {
    if (!enabled) return
    let source = open()
    let hiddenAt = 0
    function open() {
      const stream = new EventSource('/v1/events')
      stream.addEventListener('upload', (event) => refresh(event as MessageEvent<string>))
      stream.addEventListener('reset', () => void queries.invalidateQueries())
      // The server refused to go on: reading anything says whether the session has ended.
      stream.addEventListener('error', () => {
        if (stream.readyState === EventSource.CLOSED) void queries.invalidateQueries()
      })
      return stream
    }
    function wake() {
      if (document.visibilityState === 'hidden') {
        hiddenAt = Date.now()
        return
      }
      if (hiddenAt === 0 || Date.now() - hiddenAt < slept) return
      if (source.readyState === EventSource.CLOSED) source = open()
      void queries.invalidateQueries()
    }
    document.addEventListener('visibilitychange', wake)
    window.addEventListener('online', wake)
    return () => {
      document.removeEventListener('visibilitychange', wake)
      window.removeEventListener('online', wake)
      source.close()
    }
  }, [enabled])
}

function refresh(event: MessageEvent<string>) {
  const upload = JSON.parse(event.data) as Schemas['Upload']
  void queries.invalidateQueries({ queryKey: ['uploads'] })
  void queries.invalidateQueries({ queryKey: ['upload', upload.id] })
  if (upload.status === 'queued' || upload.status === 'dead_lettered' || upload.status === 'discarded') {
    void queries.invalidateQueries({ queryKey: ['dead-letters'] })
    void queries.invalidateQueries({ queryKey: ['attention'] })
  }
}
