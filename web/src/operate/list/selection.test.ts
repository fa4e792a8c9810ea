import { expect, test } from 'vitest'
import { everything, has, isEmpty, nothing, put, range, sizeOf } from './selection'

const ids = ['a', 'b', 'c', 'd', 'e']

test('A range is selected in both directions', () => {
  const down = range(nothing, ids, 1, 3, true)
  expect([...down.ids]).toEqual(['b', 'c', 'd'])
  expect(range(nothing, ids, 3, 1, true)).toEqual(down)
  expect([...range(down, ids, 2, 4, false).ids]).toEqual(['b'])
})

test('Everything but some rows is selected, rows that are not loaded, too', () => {
  const but = put(everything, ['b', 'd'], false)
  expect(has(but, 'a')).toBe(true)
  expect(has(but, 'b')).toBe(false)
  expect(has(but, 'not loaded')).toBe(true)
  expect(sizeOf(but, 1204)).toBe(1202)
  expect(sizeOf(put(but, ['b'], true), 1204)).toBe(1203)
})

test('Nothing is selected once the last row is taken out', () => {
  expect(isEmpty(put(put(nothing, ['a'], true), ['a'], false))).toBe(true)
  expect(isEmpty(everything)).toBe(false)
})
