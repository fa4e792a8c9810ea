import { Problem } from '../../api/problem'

/** Asks again while the index does not have the recording yet, which takes moments after its end. */
export const againUntilIndexed = {
  retry: (failures: number, error: Error) =>
    error instanceof Problem && ((error.code === 'not-indexed' && failures < 30) || (error.passing && failures < 2)),
  retryDelay: (_: number, error: Error) => ((error instanceof Problem && error.retryAfter) || 1) * 1000,
}
