import { expect, test } from 'vitest'
import { formatIn } from './format'

const english = formatIn('en-US')

test('A length is a word in a sentence', () => {
  expect(english.length(2)).toBe('2 seconds')
  expect(english.length(1.44)).toBe('1.4 seconds')
  expect(english.length(130)).toBe('2 minutes')
  expect(formatIn('ko').length(2)).toBe('2초')
})

test('A span is written by its two largest units', () => {
  expect(english.span(0.25)).toBe('250 ms')
  expect(english.span(4.2)).toBe('4.2 sec')
  expect(english.span(60)).toBe('1 min')
  expect(english.span(3_725)).toBe('1 hr 2 min')
  expect(english.span(7 * 86_400 + 60)).toBe('7 days')
})

test('A size is written in the unit that suits it', () => {
  expect(english.size(0)).toBe('0 byte')
  expect(english.size(999)).toBe('999 byte')
  expect(english.size(1_048_620)).toBe('1 MB')
})

test('What just happened is now, though the clocks of browser and server differ', () => {
  const now = Date.parse('2026-11-29T09:00:00Z')
  expect(english.relative(new Date(now + 3_000), now)).toBe('now')
  expect(english.relative(new Date(now - 90_000), now)).toBe('1 min. ago')
  expect(english.relative(new Date(now + 26 * 3_600_000), now)).toBe('tomorrow')
  expect(formatIn('ko').relative(new Date(now - 7_200_000), now)).toBe('2시간 전')
})
