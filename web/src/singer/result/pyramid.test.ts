import { expect, test } from 'vitest'
import { Pyramid } from './pyramid'

/** An hour of frames: a slow wave with a gap, and one high frame that must not be lost. */
function hour(): Float32Array {
  const values = Float32Array.from({ length: 360_000 }, (_, i) => 60 + 10 * Math.sin(i / 5_000))
  values.fill(Number.NaN, 100_000, 130_000)
  values[200_001] = 90
  return values
}

test('A close look has each frame at its index', () => {
  const { size, first, min, max } = new Pyramid(hour()).slice(1_000, 1_200, 1_000)
  expect([size, first, min.length]).toEqual([1, 999, 202])
  expect(min[1]).toBeCloseTo(60 + 10 * Math.sin(1_000 / 5_000), 4)
  expect(max).toEqual(min)
})

test('The whole hour is half a bin to one bin for each pixel', () => {
  const { size, min } = new Pyramid(hour()).slice(0, 360_000, 1_000)
  expect(size).toBe(512)
  expect(min.length).toBeGreaterThanOrEqual(500)
  expect(min.length).toBeLessThanOrEqual(1_002)
})

test('A single high frame is still in the whole hour, beside its neighbours', () => {
  const { size, first, min, max } = new Pyramid(hour()).slice(0, 360_000, 1_000)
  const bin = Math.floor(200_001 / size) - first
  expect(max[bin]).toBe(90)
  expect(min[bin]).toBeLessThan(71)
})

test('Where nothing was sung there is a gap at every resolution', () => {
  const curve = new Pyramid(hour())
  for (const pixels of [100, 1_000, 100_000]) {
    const { min, max } = curve.slice(110_000, 120_000, pixels)
    expect(min.length).toBeGreaterThan(0)
    expect([...min, ...max].every(Number.isNaN)).toBe(true)
  }
})

test('A curve without frames has no bins', () => {
  expect(new Pyramid(new Float32Array()).slice(0, 100, 100).min).toHaveLength(0)
})
