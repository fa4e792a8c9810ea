import { useEffect } from 'react'
import type { Schemas } from './client'
import { queries } from './queries'

/**
 * Follows the tenant's uploads while the component is shown and the tab is visible: what an event changes is read
 * again. A hidden tab has no stream, since browsers open six connections to a server for all tabs; when it is shown
 * again, it reads everything again.
 */
export function useLiveUploads(enabled: boolean) {
  useEffect(() => {
    if (!enabled) return
    let source: EventSource | undefined
    function follow() {
      source?.close()
      source = document.visibilityState === 'hidden' ? undefined : open()
    }
    function wake() {
      follow()
      if (source) void queries.invalidateQueries()
    }
    follow()
    document.addEventListener('visibilitychange', wake)
    window.addEventListener('online', wake)
    return () => {
      document.removeEventListener('visibilitychange', wake)
      window.removeEventListener('online', wake)
      source?.close()
    }
  }, [enabled])
}

function open(): EventSource {
  const stream = new EventSource('/v1/events')
  stream.addEventListener('upload', (event) => refresh(event as MessageEvent<string>))
  stream.addEventListener('reset', () => void queries.invalidateQueries())
  // The server refused to go on: reading anything says whether the session has ended.
  stream.addEventListener('error', () => {
    if (stream.readyState === EventSource.CLOSED) void queries.invalidateQueries()
  })
  return stream
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
