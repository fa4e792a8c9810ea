import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Gather } from './gather'
import { changedBy } from './live'
import { keepOpen, type Source } from './reopening'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('Many events are one call a second, the first at once, each change once', () => {
  const calls: string[][] = []
  const gather = new Gather<string>(1_000, (given) => calls.push([...given]))
  gather.add('a', 'b')
  gather.add('b', 'c')
  gather.add('c')
  expect(calls).toEqual([['a', 'b']])
  vi.advanceTimersByTime(1_000)
  expect(calls).toEqual([
    ['a', 'b'],
    ['b', 'c'],
  ])
  vi.advanceTimersByTime(5_000)
  expect(calls.length).toBe(2)
  gather.add('d')
  gather.add('e')
  gather.drop()
  vi.advanceTimersByTime(5_000)
  expect(calls.slice(2)).toEqual([['d']])
})

test('An event changes its upload and the lists, and dead letters only where it is about one', () => {
  expect(changedBy({ id: 'u', status: 'analyzing' })).toEqual(['["uploads"]', '["upload","u"]'])
  expect(changedBy({ id: 'u', status: 'dead_lettered' })).toContain('["dead-letters"]')
})

class Stream extends EventTarget implements Source {
  readyState = 0
  close = () => void (this.readyState = 2)
  refuse() {
    this.readyState = 2
    this.dispatchEvent(new Event('error'))
  }
}

test('A stream that was refused is opened again, later and later until one succeeds', () => {
  const streams: Stream[] = []
  let refusals = 0
  const end = keepOpen(
    () => {
      const stream = new Stream()
      streams.push(stream)
      return stream
    },
    () => refusals++,
  )
  const waits = [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]
  for (const wait of waits) {
    streams.at(-1)?.refuse()
    const before = streams.length
    vi.advanceTimersByTime(wait - 1)
    expect(streams.length).toBe(before)
    vi.advanceTimersByTime(1)
    expect(streams.length).toBe(before + 1)
  }
  expect(refusals).toBe(waits.length)
  streams.at(-1)?.dispatchEvent(new Event('open'))
  // The browser reconnects by itself after this one.
  streams.at(-1)?.dispatchEvent(new Event('error'))
  vi.advanceTimersByTime(120_000)
  expect(streams.length).toBe(8)
  streams.at(-1)?.refuse()
  vi.advanceTimersByTime(2_000)
  expect(streams.length).toBe(9)
  streams.at(-1)?.refuse()
  end()
  vi.advanceTimersByTime(120_000)
  expect(streams.length).toBe(9)
})
