import { expect, test } from 'vitest'
import { Problem } from '../../api/problem'
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
  const queue = new Queue(async (file, reports) => {
    sent.set(file.name, reports)
    return () => stopped.push(file.name)
  })
  const states = () => Object.fromEntries(queue.all().map((item) => [item.file.name, item.state]))
  return { queue, sent, stopped, states }
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
