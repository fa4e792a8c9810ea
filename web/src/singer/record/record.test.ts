import { expect, test } from 'vitest'
import { decibels, LevelWatch, onMeter, peakOf } from './level'
import { obstacleOf, recordingType, takeName } from './recorder'
import { Stopwatch } from './stopwatch'

test('The peak is the largest of either sign', () => {
  expect(peakOf(new Float32Array([0, -0.75, 0, 0.5]))).toBe(0.75)
  expect(peakOf(new Float32Array())).toBe(0)
})

test('The meter runs from −60 dBFS to full scale', () => {
  expect(decibels(0)).toBe(-90)
  expect(onMeter(1)).toBe(1)
  expect(onMeter(0.001)).toBeCloseTo(0)
  expect(onMeter(2)).toBe(1)
})

test('Clipping is said at once and for some seconds', () => {
  const watch = new LevelWatch()
  expect(watch.take(1, 1)).toBe('clips')
  expect(watch.take(0.3, 3)).toBe('clips')
  expect(watch.take(0.3, 5)).toBeUndefined()
  expect(watch.clips).toBe(true)
})

test('A quiet take is said only after some seconds, and no more once something was heard', () => {
  const watch = new LevelWatch()
  expect(watch.quiet).toBe(false)
  expect(watch.take(0.001, 1)).toBeUndefined()
  expect(watch.quiet).toBe(true)
  expect(watch.take(0.001, 5)).toBe('quiet')
  expect(watch.take(0.3, 6)).toBeUndefined()
  expect(watch.take(0.001, 20)).toBeUndefined()
  expect(watch.quiet).toBe(false)
})

test('Safari records MP4, others WebM, and what is not supported is not chosen', () => {
  expect(recordingType(() => true, true)).toBe('audio/mp4')
  expect(recordingType(() => true, false)).toBe('audio/webm;codecs=opus')
  expect(recordingType((type) => type.startsWith('audio/ogg'), true)).toBe('audio/ogg;codecs=opus')
  expect(recordingType(() => false, false)).toBeUndefined()
})

test('A take is named by its time and its type', () => {
  const at = new Date(2026, 10, 29, 9, 3, 7)
  expect(takeName(at, 'audio/mp4;codecs=mp4a.40.2')).toBe('take 2026-11-29 09.03.07.m4a')
  expect(takeName(at, 'audio/webm;codecs=opus')).toBe('take 2026-11-29 09.03.07.webm')
})

test('Each refusal of the microphone has its own words', () => {
  const named = (name: string) => Object.assign(new Error(), { name })
  expect(obstacleOf(named('NotAllowedError'))).toBe('denied')
  expect(obstacleOf(named('NotFoundError'))).toBe('missing')
  expect(obstacleOf(named('NotReadableError'))).toBe('busy')
  expect(obstacleOf('?')).toBe('failed')
})

test('A take is as long as it ran, also when nobody stopped the watch before it is read', () => {
  const watch = new Stopwatch()
  watch.start(1_000)
  expect(watch.milliseconds(3_000)).toBe(2_000)
  watch.stop(4_000)
  expect(watch.milliseconds(9_000)).toBe(3_000)
  watch.start(10_000)
  watch.stop(11_000)
  watch.stop(20_000)
  expect(watch.milliseconds(30_000)).toBe(4_000)
})
