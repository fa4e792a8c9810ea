import { expect, test } from 'vitest'
import { anythingAtRisk, belongsToLogin, dropBelongings, resumeBelongings } from './belongings'
import { isSomebodyElse } from './holder'

test('What belongs to a login says whether it is at risk, goes on, and is dropped', () => {
  const calls: string[] = []
  let unsent = false
  belongsToLogin({ atRisk: () => unsent, drop: () => calls.push('drop'), resume: () => calls.push('resume') })
  belongsToLogin({ drop: () => calls.push('drop too') })
  expect(anythingAtRisk()).toBe(false)
  unsent = true
  expect(anythingAtRisk()).toBe(true)
  resumeBelongings()
  dropBelongings()
  expect(calls).toEqual(['resume', 'drop', 'drop too'])
})

test('A new session of the same key and tenant is the same person, another key or tenant is not', () => {
  const before = { by: 'key/k3np/4m2k', tenant: 'default', csrf: 'a' }
  expect(isSomebodyElse(undefined, before)).toBe(false)
  expect(isSomebodyElse(before, { by: 'key/k3np/77aa', tenant: 'default', csrf: 'b' })).toBe(false)
  expect(isSomebodyElse(before, { by: 'key/zzzz/4m2k', tenant: 'default', csrf: 'b' })).toBe(true)
  expect(isSomebodyElse(before, { by: 'key/k3np/4m2k', tenant: 'other', csrf: 'b' })).toBe(true)
  expect(isSomebodyElse({ by: 'jwt/a', tenant: 't' }, { by: 'jwt/b', tenant: 't' })).toBe(true)
})
