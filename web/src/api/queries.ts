import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query'
import { Problem } from './problem'

/** What is called when a request is refused since the session has ended. */
let ended = () => {}

/** Registers what happens when the session has ended. */
export function onSessionEnded(does: () => void) {
  ended = does
}

function watch(error: unknown) {
  if (error instanceof Problem && error.status === 401) ended()
}

/** The cache of everything read from the API. What may pass by itself is tried again. */
export const queries = new QueryClient({
  queryCache: new QueryCache({ onError: watch }),
  mutationCache: new MutationCache({
    onError: (error, _variables, _result, mutation) => {
      if (!mutation.meta?.logsIn) watch(error)
    },
  }),
  defaultOptions: {
    queries: {
      staleTime: 2_000,
      retry: (failures, error) => error instanceof Problem && error.passing && failures < 2,
      retryDelay: (failures, error) =>
        error instanceof Problem && error.retryAfter ? error.retryAfter * 1000 : 500 * 2 ** failures,
    },
  },
})
