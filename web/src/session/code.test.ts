import { expect, test } from 'vitest'
import { codeIn } from './code'

test('A code is read from the fragment alone, and an empty one is none', () => {
  expect(codeIn('#code=abc-123')).toBe('abc-123')
  expect(codeIn('#code=')).toBeUndefined()
  expect(codeIn('#content')).toBeUndefined()
  expect(codeIn('')).toBeUndefined()
})
