import { expect, test } from 'vitest'
import { clock } from './clock'

test('A time in a recording is written as players do', () => {
  expect(clock(0)).toBe('0:00')
  expect(clock(7.9)).toBe('0:07')
  expect(clock(754)).toBe('12:34')
  expect(clock(3_723)).toBe('1:02:03')
  expect(clock(1.25, true)).toBe('0:01.2')
  expect(clock(Number.NaN)).toBe('0:00')
  expect(clock(Number.POSITIVE_INFINITY)).toBe('0:00')
})
