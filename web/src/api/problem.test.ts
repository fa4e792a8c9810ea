import { expect, test } from 'vitest'
import { Problem } from './problem'

test('What a proxy answers while the server restarts passes, as a busy server does', () => {
  const passing = (status: number) => new Problem(status, 'any', '').passing
  expect([0, 429, 502, 503, 504].map(passing)).not.toContain(false)
  expect([400, 401, 403, 404, 409, 500].map(passing)).not.toContain(true)
})
