import { expect, test } from 'vitest'
import { Problem } from '../../api/problem'
import { Bulk, byReason, type Letter, type Page, pagesOf } from './bulk'

function letters(count: number): Letter[] {
  return Array.from({ length: count }, (_, i) => ({ id: `u${i}`, tenant: 'default', cycle: 0 }))
}

// A clock that moves only while something waits for it.
function clock() {
  let now = 0
  const waits: number[] = []
  return {
    waits,
    now: () => now,
    sleep: async (milliseconds: number) => {
      waits.push(milliseconds)
      await Promise.resolve()
      now += milliseconds
    },
  }
}

test('At most as many requests are under way as is permitted, and each letter is decided once', async () => {
  let under = 0
  let most = 0
  const decided: string[] = []
  const twice = [...letters(50), ...letters(50)]
  const report = await new Bulk({
    letters: twice,
    total: 50,
    concurrency: 8,
    decide: async (letter) => {
      under++
      most = Math.max(most, under)
      await new Promise((resolve) => setImmediate(resolve))
      decided.push(letter.id)
      under--
    },
  }).run()
  expect(most).toBe(8)
  expect(decided.length).toBe(50)
  expect(new Set(decided).size).toBe(50)
  expect(report).toMatchObject({ phase: 'done', decided: 50, already: [], failed: [] })
})

test('What somebody else has decided is no failure, and a refusal does not end the others', async () => {
  const report = await new Bulk({
    letters: letters(6),
    total: 6,
    decide: async ({ id }) => {
      if (id === 'u1') throw new Problem(409, 'not-parked', 'The upload is queued.')
      if (id === 'u2') throw new Problem(410, 'erased', 'The upload was erased.')
      if (id === 'u3') throw new Problem(400, 'invalid-request', 'engine is unknown.')
    },
  }).run()
  expect(report.decided).toBe(3)
  expect(report.already.map(({ letter }) => letter.id)).toEqual(['u1', 'u2'])
  expect(report.failed.map(({ letter }) => letter.id)).toEqual(['u3'])
})

test('A busy server makes everything wait for as long as it says, and the letter is tried again', async () => {
  const time = clock()
  let refusals = 2
  const report = await new Bulk({
    letters: letters(3),
    total: 3,
    concurrency: 1,
    ...time,
    decide: async () => {
      if (refusals-- > 0) throw new Problem(429, 'rate-limited', 'Too many requests.', undefined, 7)
    },
  }).run()
  expect(report).toMatchObject({ phase: 'done', decided: 3, failed: [] })
  expect(time.waits).toEqual([7000, 7000])
})

test('Without a word on how long, waits grow to half a minute and begin anew after a success', async () => {
  const time = clock()
  let calls = 0
  await new Bulk({
    letters: letters(2),
    total: 2,
    concurrency: 1,
    ...time,
    decide: async () => {
      calls++
      if (calls <= 7 || calls === 9) throw new Problem(0, 'offline', 'no connection')
    },
  }).run()
  expect(time.waits).toEqual([1000, 2000, 4000, 8000, 16000, 30000, 30000, 1000])
})

test('Stopping takes no more letters and counts what is under way', async () => {
  const answers: (() => void)[] = []
  const bulk = new Bulk({
    letters: letters(100),
    total: 100,
    concurrency: 4,
    decide: () => new Promise<void>((resolve) => answers.push(resolve)),
  })
  const end = bulk.run()
  await expect.poll(() => answers.length).toBe(4)
  bulk.stop()
  expect(bulk.report().phase).toBe('stopping')
  for (const resolve of answers) resolve()
  expect(await end).toMatchObject({ phase: 'stopped', decided: 4 })
  expect(answers.length).toBe(4)
})

test('Stopping ends a wait at once', async () => {
  const bulk = new Bulk({
    letters: letters(2),
    total: 2,
    decide: async () => {
      throw new Problem(503, 'unavailable', 'Temporal is away.', undefined, 3600)
    },
  })
  const end = bulk.run()
  await expect.poll(() => bulk.report().phase).toBe('waiting')
  bulk.stop()
  expect(await end).toMatchObject({ phase: 'stopped', decided: 0, failed: [] })
})

test('Pages are read one after another until there is no next one, empty ones, too', async () => {
  const pages: Record<string, Page> = {
    begin: { letters: letters(2), next: 'empty' },
    empty: { letters: [], next: 'last' },
    last: { letters: [{ id: 'z', tenant: 'default', cycle: 1 }] },
  }
  const decided: string[] = []
  const report = await new Bulk({
    letters: pagesOf(async (token) => pages[token ?? 'begin'] ?? false),
    total: 3,
    decide: async ({ id }) => decided.push(id),
  }).run()
  expect(decided.sort()).toEqual(['u0', 'u1', 'z'])
  expect(report.phase).toBe('done')
})

test('If the letters cannot be read any more, it says why and does not claim to be complete', async () => {
  async function* broken() {
    yield* letters(2)
    throw new Problem(400, 'invalid-request', 'page_token is not valid.')
  }
  const report = await new Bulk({ letters: broken(), total: 10, decide: async () => {} }).run()
  expect(report.decided).toBe(2)
  expect(report.broken?.message).toBe('page_token is not valid.')
})

test('Refusals are grouped by their words, the most frequent first', () => {
  const [a, b, c] = letters(3) as [Letter, Letter, Letter]
  const busy = new Problem(500, 'internal', 'An error.')
  const groups = byReason([
    { letter: a, problem: new Problem(400, 'invalid-request', 'engine is unknown.') },
    { letter: b, problem: busy },
    { letter: c, problem: new Problem(500, 'internal', 'An error.') },
  ])
  expect(groups.map((group) => [group.problem.message, group.letters.length])).toEqual([
    ['An error.', 2],
    ['engine is unknown.', 1],
  ])
})
