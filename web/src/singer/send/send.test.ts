import { expect, test } from 'vitest'
import { Problem } from '../../api/problem'
import { again } from './again'
import { Queue, type Reports } from './queue'
import { sortOut } from './sortOut'
import { unfinished } from './unfinished'

function file(name: string, type = 'audio/wav'): File {
  return new File(['x'], name, { type })
}

/** A way of sending that the test drives. */
function byHand() {
  const sent = new Map<string, Reports>()
  const stopped: string[] = []
  const keys: string[] = []
  const queue = new Queue(async (file, reports, key) => {
    keys.push(key)
    sent.set(file.name, reports)
    return () => stopped.push(file.name)
  })
  const states = () => Object.fromEntries(queue.all().map((item) => [item.file.name, item.state]))
  return { queue, sent, stopped, states, keys }
}

const settled = () => new Promise((resolve) => setTimeout(resolve))

test('Three recordings are sent at once, the others in the order of their choice', async () => {
  const { queue, sent, states } = byHand()
  queue.add(['a', 'b', 'c', 'd', 'e'].map((name) => file(name)))
  await settled()
  expect([...sent.keys()]).toEqual(['a', 'b', 'c'])
  sent.get('b')?.accepted('id-b')
  await settled()
  expect([...sent.keys()]).toEqual(['a', 'b', 'c', 'd'])
  expect(states()).toMatchObject({ a: 'sending', b: 'accepted', d: 'sending', e: 'waiting' })
})

test('An interrupted recording keeps its place and goes on', async () => {
  const { queue, sent, states } = byHand()
  queue.add([file('a')])
  await settled()
  sent.get('a')?.interrupted()
  expect(states()).toEqual({ a: 'interrupted' })
  sent.get('a')?.progress(1)
  expect(states()).toEqual({ a: 'sending' })
})

test('A refused recording says why, makes room, and can be sent again', async () => {
  const { queue, sent, states } = byHand()
  const [key = 0] = queue.add([file('a')])
  await settled()
  sent.get('a')?.failed(new Problem(503, 'unavailable', 'later'))
  expect(queue.all()[0]?.problem?.code).toBe('unavailable')
  sent.clear()
  queue.again(key)
  await settled()
  expect(states()).toEqual({ a: 'sending' })
  expect(queue.all()[0]?.problem).toBeUndefined()
  expect([...sent.keys()]).toEqual(['a'])
})

test('A recording that is removed is stopped, even before its sending began', async () => {
  const { queue, stopped } = byHand()
  const [first = 0] = queue.add([file('a')])
  await settled()
  queue.remove(first)
  const [second = 0] = queue.add([file('b')])
  queue.remove(second)
  await settled()
  expect(stopped).toEqual(['a', 'b'])
  expect(queue.all()).toEqual([])
})

test('A session that has ended makes everything wait, and a login goes on with the same upload', async () => {
  const { queue, sent, states, keys } = byHand()
  queue.add(['a', 'b', 'c', 'd'].map((name) => file(name)))
  await settled()
  sent.get('a')?.failed(new Problem(401, 'unauthenticated', ''))
  sent.get('b')?.accepted('id-b')
  await settled()
  expect(states()).toEqual({ a: 'waiting', b: 'accepted', c: 'sending', d: 'waiting' })
  queue.resume()
  await settled()
  expect(states()).toEqual({ a: 'sending', b: 'accepted', c: 'sending', d: 'sending' })
  expect(new Set(keys).size).toBe(4)
})

test('Sending again is the same upload, unless the server has ended that one', async () => {
  const { queue, sent, keys } = byHand()
  const [key = 0] = queue.add([file('a')])
  await settled()
  for (const status of [503, 410]) {
    sent.get('a')?.failed(new Problem(status, 'any', ''))
    queue.again(key)
    await settled()
  }
  expect(keys[0]).toMatch(/^[0-9a-f]{32}$/)
  expect(keys[1]).toBe(keys[0])
  expect(keys[2]).not.toBe(keys[0])
})

test('Nothing is left of what somebody else was sending', async () => {
  const { queue, stopped } = byHand()
  queue.add(['a', 'b', 'c', 'd'].map((name) => file(name)))
  await settled()
  queue.clear()
  await settled()
  expect(queue.all()).toEqual([])
  expect(stopped.sort()).toEqual(['a', 'b', 'c'])
})

test('Only what the server has accepted is safe', async () => {
  const { queue, sent } = byHand()
  queue.add([file('a')])
  expect(queue.unsent).toBe(true)
  await settled()
  sent.get('a')?.accepted('id')
  expect(queue.unsent).toBe(false)
})

test('Texts and pictures are no recordings; what the browser does not know is left to the server', () => {
  const files = [
    file('notes.txt', 'text/plain'),
    file('a.wav'),
    file('b.caf', ''),
    file('c.pdf', 'application/pdf'),
    file('d.mov', 'video/quicktime'),
    file('e.opus', 'text/plain'),
  ]
  const { recordings, others } = sortOut(files)
  expect(recordings.map((f) => f.name)).toEqual(['a.wav', 'b.caf', 'd.mov', 'e.opus'])
  expect(others.map((f) => f.name)).toEqual(['notes.txt', 'c.pdf'])
})

test('What an earlier visit did not send in full is named for a day', () => {
  const now = Date.parse('2026-11-29T10:00:00Z')
  const entry = (filename: string, creationTime: string) => JSON.stringify({ creationTime, metadata: { filename } })
  const stored: [string, string][] = [
    ['tus::a::1', entry('a.wav', '2026-11-29T09:00:00Z')],
    ['tus::a::2', entry('a.wav', '2026-11-29T09:30:00Z')],
    ['tus::b::3', entry('b.wav', '2026-11-28T09:00:00Z')],
    ['tus::c::4', 'damaged'],
    ['orak.theme', 'dark'],
  ]
  expect(unfinished(stored, now)).toEqual(['a.wav'])
})

test('Sending goes on by itself after what passes, and not after a refusal of the recording', () => {
  const problem = (status: number, code: string) => new Problem(status, code, '')
  const passing: [number, string][] = [
    [0, 'offline'],
    [408, 'timeout'],
    [429, 'rate-limited'],
    [503, 'intake-paused'],
    [400, 'incomplete-body'],
    [400, 'digest-mismatch'],
    [460, 'checksum-mismatch'],
  ]
  for (const [status, code] of passing) expect(again(problem(status, code)), code).toBe(true)
  const final: [number, string][] = [
    [429, 'daily-bytes'],
    [415, 'unsupported-media'],
    [413, 'too-large'],
    [401, 'unauthenticated'],
    [403, 'missing-scope'],
    [400, 'invalid-request'],
  ]
  for (const [status, code] of final) expect(again(problem(status, code)), code).toBe(false)
})
