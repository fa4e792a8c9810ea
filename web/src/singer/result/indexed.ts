import { Problem } from '../../api/problem'

/** Asks again while the index does not have the recording yet, which takes moments after its end. */
export const againUntilIndexed = {
  retry: (failures: number, error: Error) => (isNotIndexed(error) ? failures < 30 : passes(error) && failures < 2),
  retryDelay: (_: number, error: Error) => ((error instanceof Problem && error.retryAfter) || 1) * 1000,
}

type Asking = { data?: unknown; error: Error | null; failureReason: Error | null }

/** Whether nothing is there yet since the index does not have the recording: from the first such answer on. */
export function isWaiting({ data, error, failureReason }: Asking): boolean {
  return data === undefined && isNotIndexed(failureReason ?? error)
}

function isNotIndexed(error: Error | null): boolean {
  return error instanceof Problem && error.code === 'not-indexed'
}

function passes(error: Error): boolean {
  return error instanceof Problem && error.passing
}
