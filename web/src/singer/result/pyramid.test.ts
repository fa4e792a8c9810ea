import { expect, test } from 'vitest'
import { Pyramid, pointsOf } from './pyramid'

/** An hour of frames: a slow wave with a gap, and one high frame that must not be lost. */
function hour(): Float32Array {
  const values = Float32Array.from({ length: 360_000 }, (_, i) => 60 + 10 * Math.sin(i / 5_000))
  values.fill(Number.NaN, 100_000, 130_000)
  values[200_001] = 90
  return values
}

test('A close look shows each frame at its time', () => {
  const [xs, ys] = pointsOf(new Pyramid(hour()), 0.01, 10, 12, 1_000)
  expect(xs[0]).toBeCloseTo(9.99)
  expect(xs.at(-1)).toBeCloseTo(12)
  expect(ys[1]).toBeCloseTo(60 + 10 * Math.sin(1_000 / 5_000), 4)
})

test('The whole hour is one to three points for each pixel', () => {
  const [xs] = pointsOf(new Pyramid(hour()), 0.01, 0, 3_600, 1_000)
  expect(xs.length).toBeGreaterThanOrEqual(1_000)
  expect(xs.length).toBeLessThanOrEqual(3_010)
})

test('A single high frame is still seen in the whole hour', () => {
  const [xs, ys] = pointsOf(new Pyramid(hour()), 0.01, 0, 3_600, 1_000)
  const at = ys.indexOf(90)
  expect(at).toBeGreaterThanOrEqual(0)
  expect(Math.abs((xs[at] ?? 0) - 2_000)).toBeLessThan(4)
})

test('Where nothing was sung there is a gap at every resolution', () => {
  const curve = new Pyramid(hour())
  for (const pixels of [100, 1_000, 100_000]) {
    const [xs, ys] = pointsOf(curve, 0.01, 1_100, 1_200, pixels)
    expect(xs.length).toBeGreaterThan(0)
    expect(ys.every((y) => y === null)).toBe(true)
  }
})

test('A curve without frames has no points', () => {
  expect(pointsOf(new Pyramid(new Float32Array()), 0.01, 0, 1, 100)).toEqual([[], []])
})
