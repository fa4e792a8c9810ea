import type { Problem } from '../../api/problem'

// The bytes were lost or damaged on their way: the same ones may arrive the next time.
const onTheWay = ['timeout', 'incomplete-body', 'digest-mismatch', 'checksum-mismatch']

/** Whether sending goes on by itself after a refusal. A day's limit is not waited for: it may be a whole day, and a file that cannot be read stays so. */
export function again({ status, code }: Problem): boolean {
  if (code === 'daily-bytes' || code === 'unreadable') return false
  return [0, 408, 409, 423, 429].includes(status) || status >= 500 || onTheWay.includes(code)
}
