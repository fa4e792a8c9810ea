import { expect, test } from 'vitest'
import { anythingAtRisk, belongsToLogin, dropBelongings, resumeBelongings } from './belongings'
import { holderOf, isSomebodyElse } from './holder'

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
  const before = holderOf({ by: 'key/k3np/4m2k', tenant: 'default', csrf: 'a' })
  const other = (now: Parameters<typeof holderOf>[0]) => isSomebodyElse(before, holderOf(now))
  expect(isSomebodyElse(null, before)).toBe(false)
  expect(other({ by: 'key/k3np/77aa', tenant: 'default', csrf: 'b' })).toBe(false)
  expect(other({ by: 'key/zzzz/4m2k', tenant: 'default', csrf: 'b' })).toBe(true)
  expect(other({ by: 'key/k3np/4m2k', tenant: 'other', csrf: 'b' })).toBe(true)
  expect(isSomebodyElse(holderOf({ by: 'jwt/a', tenant: 't' }), holderOf({ by: 'jwt/b', tenant: 't' }))).toBe(true)
})
