import { expect, test } from 'vitest'
import { Problem } from '../../api/problem'
import { againUntilIndexed, isWaiting } from './indexed'

const notYet = new Problem(409, 'not-indexed', '')
const none = new Problem(409, 'no-voice', '')

test('What the index lacks is waited for from the first answer on, until there is another', () => {
  expect(isWaiting({ error: null, failureReason: null })).toBe(false)
  expect(isWaiting({ error: null, failureReason: notYet })).toBe(true)
  expect(isWaiting({ error: notYet, failureReason: null })).toBe(true)
  expect(isWaiting({ error: none, failureReason: none })).toBe(false)
  expect(isWaiting({ data: {}, error: null, failureReason: notYet })).toBe(false)
})

test('The index is asked thirty times, a busy server twice, and a refusal is final', () => {
  expect([0, 29, 30].map((n) => againUntilIndexed.retry(n, notYet))).toEqual([true, true, false])
  expect([1, 2].map((n) => againUntilIndexed.retry(n, new Problem(503, 'unavailable', '')))).toEqual([true, false])
  expect(againUntilIndexed.retry(0, none)).toBe(false)
  expect(againUntilIndexed.retryDelay(0, new Problem(409, 'not-indexed', '', undefined, 3))).toBe(3_000)
})
