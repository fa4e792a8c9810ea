import { expect, test } from 'vitest'
import { failedIn, pageAt, providerFrom } from './failed'

const origin = 'https://orak.example'

test('Only a path of this site is an address to return to', () => {
  for (const page of ['/', '/operate', '/operate/dead-letters?class=input&text=%ED%95%9C', '/uploads?text=%5C%2F%2F']) {
    expect(pageAt(page, origin)).toBe(page)
  }
  for (const elsewhere of [
    null,
    '',
    'operate',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '/\\/evil.example',
    '\\\\evil.example',
    'https://evil.example/',
    `${origin}/operate`,
    'javascript:alert(1)',
    '/\t/evil.example',
    '/\n/evil.example',
    '/a\r\nb',
    '/\u0000',
    ' /operate',
    '/%2f%2fevil.example',
    '/%5cevil.example',
    '/%0d%0a',
    '/a/..//evil.example',
    '/.//evil.example',
    '/%2e%2e/v1',
    '/operate#code=x',
    '/v1/session/oidc',
    '/v1',
    '/login?problem=unavailable',
    `/${'a'.repeat(1024)}`,
  ]) {
    expect(pageAt(elsewhere, origin), String(elsewhere)).toBeUndefined()
  }
})

test('A failed login has a reason of a closed set, and only an address of this site', () => {
  expect(failedIn('', origin)).toBeUndefined()
  expect(failedIn('?to=%2Foperate', origin)).toBeUndefined()
  expect(failedIn('?problem=unavailable&to=%2Foperate%3Fa%3Db', origin)).toEqual({
    problem: 'unavailable',
    to: '/operate?a=b',
  })
  expect(failedIn('?problem=unauthenticated&to=%2F%2Fevil.example', origin)).toEqual({ problem: 'unauthenticated' })
  expect(failedIn('?problem=Call+us', origin)).toEqual({ problem: 'other' })
})

test('The way to the identity provider has the page that is open', () => {
  const at = (path: string) => providerFrom(new URL(path, origin) as unknown as Location)
  expect(at('/')).toBe('/v1/session/oidc')
  expect(at('/operate/dead-letters?class=input')).toBe('/v1/session/oidc?to=%2Foperate%2Fdead-letters%3Fclass%3Dinput')
  expect(at('//x')).toBe('/v1/session/oidc')
})
