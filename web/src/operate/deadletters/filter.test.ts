import { expect, test } from 'vitest'
import { toggled } from '../search'
import { facets, filterOf, fixedQuery, queryOf } from './filter'

test('A filter survives the way through an address', () => {
  const given = { stage: 'analyze,convert', class: 'model', text: 42, older: '6h', newer: '', more: 'x' }
  const filter = filterOf(given)
  expect(filter).toEqual({ stage: 'analyze,convert', class: 'model', text: '42', older: '6h' })
  expect(filterOf(filter)).toEqual(filter)
})

test('Repeated parameters are the same as words separated by commas', () => {
  expect(filterOf({ stage: ['analyze', 'convert,analyze'] })).toEqual({ stage: 'analyze,convert' })
})

test('A word that is not known is not left out, since fewer words select more', () => {
  expect(queryOf(filterOf({ class: 'modle' }))).toEqual({ class: ['modle'] })
})

test('The query of a bulk decision has fixed times', () => {
  const now = new Date('2026-11-29T09:00:00Z')
  expect(fixedQuery({ older: '90m', newer: '36h', text: 'memo' }, now)).toEqual({
    text: 'memo',
    older_than: '2026-11-29T07:30:00.000Z',
    newer_than: '2026-11-27T21:00:00.000Z',
    before: '2026-11-29T09:00:00.000Z',
  })
  expect(fixedQuery({ older: '2026-11-01T00:00:00Z' }, now).older_than).toBe('2026-11-01T00:00:00Z')
})

test('Facets count each choice as if it were added', () => {
  const groups = [
    { stage: 'convert', class: 'input', count: 1 },
    { stage: 'analyze', class: 'model', count: 3 },
    { stage: 'analyze', class: 'input', count: 2 },
  ]
  const counted = facets(groups, { stage: 'analyze', class: 'model' })
  expect(counted.total).toBe(3)
  expect([...counted.byStage]).toEqual([['analyze', 3]])
  expect([...counted.byClass]).toEqual([
    ['model', 3],
    ['input', 2],
  ])
  expect(facets(groups, {}).total).toBe(6)
})

test('A chip adds its word and removes it', () => {
  expect(toggled(undefined, 'model')).toEqual(['model'])
  expect(toggled(['model', 'input'], 'model')).toEqual(['input'])
  expect(toggled(['model'], 'model')).toBeUndefined()
})
