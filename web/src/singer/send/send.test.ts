import { expect, test } from 'vitest'
import { Problem } from '../../api/problem'
import { again } from './again'
import { fingerprintIn, fingerprints, lockOf, sentNow } from './fingerprint'
import { filesIn } from './folders'
import { Queue, type Reports } from './queue'
import { readable } from './readable'
import { sortOut, sortOutOfFolder } from './sortOut'
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

test('A way that cannot begin fails in words, and can be tried again', async () => {
  let broken = true
  const queue = new Queue(async () => {
    if (broken) throw new TypeError('Failed to fetch dynamically imported module')
    return () => {}
  })
  const [key = 0] = queue.add([file('a')])
  await settled()
  expect(queue.all()[0]).toMatchObject({ state: 'failed', problem: { code: 'offline' } })
  broken = false
  queue.again(key)
  await settled()
  expect(queue.all()[0]?.state).toBe('sending')
})

test('What another page of the tab needs to go on is the same uploads in the same order', async () => {
  const { queue, sent, keys } = byHand()
  queue.add(['a', 'b', 'c', 'd', 'e'].map((name) => file(name)))
  await settled()
  sent.get('a')?.accepted('id-a')
  sent.get('b')?.failed(new Problem(415, 'unsupported-media', ''))
  sent.get('c')?.elsewhere()
  await settled()
  const unsent = queue.unsentFiles()
  expect(unsent.map((one) => one.file.name)).toEqual(['b', 'c', 'd', 'e'])
  const next = byHand()
  next.queue.put(unsent)
  await settled()
  expect(next.keys).toEqual(keys.slice(1, 4))
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
  expect(unfinished(stored, now, new Set())).toEqual(['a.wav'])
  // A tab sends it right now.
  expect(unfinished(stored, now, new Set(['b']))).toEqual(['a.wav'])
  expect(unfinished(stored, now, new Set(['a']))).toEqual([])
})

test('What tus-js-client stores and the lock of a file have the same fingerprint', async () => {
  const one = new File(['x'], 'a.wav', { type: 'audio/wav', lastModified: 7 })
  const fingerprint = await fingerprints('https://orak.example.org/v1/tus', crypto.subtle)(one)
  expect(fingerprintIn(`tus::${fingerprint}::123`)).toBe(fingerprint)
  expect(fingerprintIn('orak.theme')).toBeUndefined()
  expect(lockOf('jwt/a t', fingerprint)).not.toBe(lockOf('jwt/a u', fingerprint))
  const held = [{ name: lockOf('jwt/a t', fingerprint) }, { name: 'another' }]
  const locks = { query: async () => ({ held }) } as unknown as LockManager
  expect(await sentNow(locks)).toEqual(new Set([fingerprint]))
})

test('Two recordings that look the same are told apart by their ends, and one is the same in each tab', async () => {
  const like = (content: string | Uint8Array<ArrayBuffer>) => new File([content], 'a.wav', { lastModified: 7 })
  const [here, there] = [fingerprints('/v1/tus', crypto.subtle), fingerprints('/v1/tus', crypto.subtle)]
  expect(await here(like('abc'))).toBe(await there(like('abc')))
  expect(await here(like('abc'))).not.toBe(await here(like('abd')))
  const long = new Uint8Array(1 << 20)
  const before = await here(like(long))
  long[long.length - 1] = 1
  expect(await here(like(long))).not.toBe(before)
})

test('Without digests two recordings of a page that look the same differ, and each stays what it is', async () => {
  const fingerprintOf = fingerprints('/v1/tus', undefined)
  const [one, two] = [0, 1].map(() => new File(['x'], 'a.wav', { lastModified: 7 })) as [File, File]
  const first = await fingerprintOf(one)
  expect(first).toBe('tus-br-a.wav--1-7-/v1/tus')
  expect(await fingerprintOf(two)).not.toBe(first)
  expect(await fingerprintOf(one)).toBe(first)
})

test('A recording that cannot be read has a fingerprint, so that its sending says so', async () => {
  const gone = Object.assign(file('a.wav'), { slice: () => new Blob() })
  const failing = { digest: () => Promise.reject(new DOMException('', 'NotReadableError')) } as unknown as SubtleCrypto
  expect(await fingerprints('/v1/tus', failing)(gone)).toMatch(/^tus-br-a.wav-/)
})

test('What another tab sends needs no room, and is sent here once it is free', async () => {
  const { queue, sent, states, keys } = byHand()
  queue.add(['a', 'b', 'c', 'd'].map((name) => file(name)))
  await settled()
  sent.get('a')?.elsewhere()
  await settled()
  expect(states()).toEqual({ a: 'elsewhere', b: 'sending', c: 'sending', d: 'sending' })
  sent.get('b')?.accepted('id-b')
  sent.get('a')?.free()
  await settled()
  expect(states()).toMatchObject({ a: 'sending', b: 'accepted' })
  expect(keys.length).toBe(5)
  sent.get('a')?.elsewhere()
  sent.get('a')?.accepted('id-a')
  for (const name of ['c', 'd']) sent.get(name)?.accepted(`id-${name}`)
  expect(queue.unsent).toBe(false)
})

test('Stopping what another tab sends stops only the waiting', async () => {
  const { queue, sent, stopped } = byHand()
  const [key = 0] = queue.add([file('a')])
  await settled()
  sent.get('a')?.elsewhere()
  expect(queue.unsent).toBe(false)
  queue.remove(key)
  expect(stopped).toEqual(['a'])
})

test('Of a folder only what surely is a recording is taken', () => {
  const { recordings, others } = sortOutOfFolder([file('a.wav', ''), file('cover.dat', ''), file('b', 'audio/flac')])
  expect(recordings.map((f) => f.name)).toEqual(['a.wav', 'b'])
  expect(others.map((f) => f.name)).toEqual(['cover.dat'])
})

/** An entry of a folder that was dropped. */
function entry(name: string, inside?: FileSystemEntry[]): FileSystemEntry {
  const isFile = inside === undefined
  const batches = [inside ?? [], []]
  return {
    name,
    isFile,
    isDirectory: !isFile,
    file: (take: (f: File) => void) => take(file(name)),
    createReader: () => ({ readEntries: (take: (some: FileSystemEntry[]) => void) => take(batches.shift() ?? []) }),
  } as unknown as FileSystemEntry
}

test('A folder gives what lies in it at any depth but what is hidden, up to a bound', async () => {
  const dropped = [
    entry('choir', [entry('.DS_Store'), entry('monday', [entry('b.wav')]), entry('a.wav')]),
    entry('c.wav'),
  ]
  const { files, more } = await filesIn(dropped)
  expect([files.map((f) => f.name), more]).toEqual([['c.wav', 'a.wav', 'b.wav'], false])
  const many = await filesIn([
    entry(
      'all',
      [...Array(1_500).keys()].map((n) => entry(`${n}.wav`)),
    ),
  ])
  expect([many.files.length, many.more]).toEqual([1_000, true])
  const nested = (depth: number): FileSystemEntry => entry('f', depth > 1 ? [nested(depth - 1)] : [entry('a.wav')])
  const ten = await filesIn([nested(10)])
  expect([ten.files.length, ten.more]).toEqual([1, false])
  const eleven = await filesIn([nested(11), entry('b.wav')])
  expect([eleven.files.map((f) => f.name), eleven.more]).toEqual([['b.wav'], true])
})

test('A file that cannot be read is told from one that can', async () => {
  expect(await readable(file('a'))).toBe(true)
  expect(await readable(new File([], 'empty'))).toBe(true)
  const gone = { slice: () => ({ arrayBuffer: () => Promise.reject(new DOMException('', 'NotReadableError')) }) }
  expect(await readable(gone as unknown as Blob)).toBe(false)
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
    [0, 'unreadable'],
    [415, 'unsupported-media'],
    [413, 'too-large'],
    [401, 'unauthenticated'],
    [403, 'missing-scope'],
    [400, 'invalid-request'],
  ]
  for (const [status, code] of final) expect(again(problem(status, code)), code).toBe(false)
})
