import { useQuery } from '@tanstack/react-query'
import { useEffect } from 'react'
import { queries } from '../../api/queries'
import { type Upload, underWay, uploadQuery } from './upload'

/** How long to wait before a stream that the server refused is opened again, in milliseconds. */
const again = 5_000

/** How often the status of an upload in a list is read though no event said that it changed, in milliseconds. */
const glance = 60_000

/**
 * The status of an upload in a list. The tenant's stream says when it changed: hundreds of uploads that each ask every
 * few seconds would be more than the server answers, and a stream for each more than the browser opens.
 */
export function useGlance(id: string) {
  return useQuery({
    ...uploadQuery(id),
    enabled: ({ state }) => state.data?.status !== 'completed',
    refetchInterval: ({ state }) => (state.data && !underWay(state.data) ? false : glance),
  })
}

/** The status of an upload, which changes by itself for as long as the processing goes on. */
export function useLiveUpload(id: string) {
  const query = useQuery(uploadQuery(id))
  const follow = query.data !== undefined && underWay(query.data)
  useEffect(() => (follow ? stream(id) : undefined), [id, follow])
  return query
}

/** Follows an upload until its end while the tab is visible; the answer stops that. */
function stream(id: string): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let source = open()

  function open() {
    const opened = new EventSource(`/v1/uploads/${encodeURIComponent(id)}/events`)
    opened.addEventListener('upload', (event) => take(event as MessageEvent<string>))
    opened.addEventListener('end', (event) => {
      opened.close()
      take(event as MessageEvent<string>)
      void queries.invalidateQueries({ queryKey: ['uploads'] })
    })
    opened.addEventListener('error', () => {
      // A stream that was cut reconnects by itself; one that was refused does not.
      if (opened.readyState !== EventSource.CLOSED) return
      void queries.invalidateQueries({ queryKey: ['upload', id] })
      timer = setTimeout(reopen, again)
    })
    return opened
  }
  function take(event: MessageEvent<string>) {
    queries.setQueryData(uploadQuery(id).queryKey, JSON.parse(event.data) as Upload)
  }
  function reopen() {
    clearTimeout(timer)
    source.close()
    source = open()
  }
  // A tab in the background needs no connection: the first event of a new stream is the whole upload.
  function wake() {
    if (document.visibilityState === 'hidden') source.close()
    else if (source.readyState === EventSource.CLOSED) reopen()
  }
  document.addEventListener('visibilitychange', wake)
  window.addEventListener('online', wake)
  return () => {
    document.removeEventListener('visibilitychange', wake)
    window.removeEventListener('online', wake)
    clearTimeout(timer)
    source.close()
  }
}
