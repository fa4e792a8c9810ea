import { useSyncExternalStore } from 'react'
import { Queue, type Sending } from './queue'

/** The recordings that this tab sends. tus-js-client is loaded with the first of them. */
export const sendings = new Queue(async (file, reports) => (await import('./tus')).send(file, reports))

window.addEventListener('beforeunload', (event) => {
  if (sendings.unsent) event.preventDefault()
})

/** The recordings that this tab sends, the latest first. */
export function useSendings(): readonly Sending[] {
  return useSyncExternalStore(sendings.subscribe, sendings.all)
}
