import { useSyncExternalStore } from 'react'
import { belongsToLogin, carry, isCarried } from '../../session/belongings'
import { Queue, type Sending } from './queue'

/** The recordings that this tab sends. tus-js-client is loaded with the first of them. */
export const sendings = new Queue(
  async (file, reports, key) => (await import('./tus')).send(file, reports, key),
  () => carry(false),
)

belongsToLogin({ atRisk: () => sendings.unsent, drop: () => sendings.clear(), resume: () => sendings.resume() })

window.addEventListener('beforeunload', (event) => {
  if (sendings.unsent && !isCarried()) event.preventDefault()
})

/** The recordings that this tab sends, the latest first. */
export function useSendings(): readonly Sending[] {
  return useSyncExternalStore(sendings.subscribe, sendings.all)
}
