import { expect, test } from 'vitest'
import { append, merge, news, prune, type Rows } from './merge'

function rows(ids: string, next?: string): Rows<{ id: string }> {
  return { rows: [...ids].map((id) => ({ id })), next }
}

function ids(list: Rows<{ id: string }>): string {
  return list.rows.map((row) => row.id).join('')
}

test('The first page adds what is new and removes what is gone; what is behind it stays', () => {
  const merged = merge(rows('abcdef', 'after f'), rows('xbcd', 'after d'))
  expect(ids(merged)).toBe('xbcdef')
  expect(merged.next).toBe('after f')
})

test('A page without a next one is the whole list', () => {
  expect(merge(rows('abc', 'after c'), rows('b'))).toEqual(rows('b'))
})

test('More news than a page holds begin the list anew', () => {
  expect(merge(rows('abc', 'after c'), rows('xyz', 'after z'))).toEqual(rows('xyz', 'after z'))
})

test('A list that is no longer than the page goes on behind the page', () => {
  expect(merge(rows('abc', 'after c'), rows('xab', 'after b'))).toEqual({ rows: rows('xabc').rows, next: 'after c' })
  expect(merge(rows('ab', 'after b'), rows('xab', 'newer token')).next).toBe('newer token')
})

test('A page that overlaps the loaded rows repeats none', () => {
  const list = append(rows('abc', 'after c'), rows('cde'))
  expect(ids(list)).toBe('abcde')
  expect(list.next).toBeUndefined()
})

test('Under a hand rows disappear but none is added', () => {
  expect(news(rows('abc', 'n'), rows('xyab', 'n'))).toBe(2)
  expect(ids(prune(rows('abcd', 'n'), rows('xbc', 'm')))).toBe('bcd')
  expect(ids(prune(rows('abc', 'n'), rows('xyz', 'm')))).toBe('abc')
  expect(ids(prune(rows('abc', 'n'), rows('')))).toBe('')
})
