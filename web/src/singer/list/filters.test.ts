import { expect, test } from 'vitest'
import { faultOfNote, faultOfNumber, numberOf } from './faults'
import { isReversed, moreCount, queryOf, readFilters } from './filters'

test('Filters are read from an address, and what makes no sense is left out', () => {
  expect(
    readFilters({ text: ' take ', status: 'ready', key: 'F# minor', low: 'A2', tempo_min: '60', duration_max: 90 }),
  ).toEqual({ text: 'take', status: 'ready', key: 'F# minor', low: 'A2', tempo_min: 60, duration_max: 90 })
  expect(
    readFilters({
      text: '',
      status: 'nope',
      key: 'H dur',
      low: 'X9',
      tempo_min: '-1',
      tempo_max: 'x',
      duration_min: '',
    }),
  ).toEqual({})
  expect(readFilters({ text: 7 })).toEqual({ text: '7' })
})

test('A group of statuses becomes the statuses of the API', () => {
  expect(queryOf({ status: 'failed', text: 'x' })).toEqual({
    kind: 'voice',
    text: 'x',
    status: ['dead_lettered', 'discarded', 'expired'],
  })
  expect(queryOf({})).toEqual({ kind: 'voice' })
})

test('A range that is reversed is not asked for, and the others are', () => {
  const filters = { tempo_min: 90, tempo_max: 60, duration_min: 5, duration_max: 5 }
  expect([isReversed(filters, 'tempo'), isReversed(filters, 'duration')]).toEqual([true, false])
  expect(queryOf(filters)).toEqual({ kind: 'voice', duration_min: 5, duration_max: 5 })
})

test('The filters beside text and status are counted', () => {
  expect(moreCount({ text: 'x', status: 'ready' })).toBe(0)
  expect(moreCount({ low: 'A2', tempo_min: 0 })).toBe(2)
})

test('What is typed into a filter and makes no sense has a name, as far as it is typed', () => {
  for (const fine of ['', ' ', 'C4', 'f#3', 'bb2', 'B♭3']) expect(faultOfNote(fine), fine).toBeUndefined()
  for (const wrong of ['X9', '4', 'C', 'do']) expect(faultOfNote(wrong), wrong).toBe('note')
  for (const fine of ['', '90', '90.5', '90,5', '0']) expect(faultOfNumber(fine), fine).toBeUndefined()
  for (const wrong of ['-1', 'fast', '1,2,3', 'Infinity']) expect(faultOfNumber(wrong), wrong).toBe('number')
  expect(numberOf(' 90,5 ')).toBe(90.5)
})
