import { expect, test } from 'vitest'
import { filterOf, queryOf } from './filter'

test('A filter of uploads survives the way through an address', () => {
  const filter = filterOf({ status: 'queued,completed', owner: 17, kind: 'song', from: '24h', tenant: 'choir', x: 1 })
  expect(filter).toEqual({ status: 'queued,completed', owner: '17', kind: 'song', from: '24h', tenant: 'choir' })
  expect(filterOf(filter)).toEqual(filter)
})

test('The tenant is no filter of the query: it stands in the header', () => {
  expect(queryOf({ status: 'queued', tenant: 'choir' })).toEqual({ status: ['queued'] })
  expect(queryOf({ tenant: 'choir' })).toEqual({})
})

test('A kind that does not exist is left out, and a status that does not exist is the server’s to refuse', () => {
  expect(filterOf({ kind: 'opera', status: 'lost' })).toEqual({ status: 'lost' })
})
