import { expect, test } from 'vitest'
import { curve, kept, withSample } from './samples'

test('Samples that are too old are dropped, and one moment counts once', () => {
  const samples = withSample(withSample([], { at: 0, value: 1 }), { at: kept, value: 2 })
  expect(samples).toEqual([{ at: kept, value: 2 }])
  expect(withSample(samples, { at: kept, value: 2 })).toEqual(samples)
})

test('A curve reaches from edge to edge, with the highest value at the top', () => {
  const samples = [
    { at: 0, value: 0 },
    { at: 5, value: 50 },
    { at: 10, value: 25 },
  ]
  expect(curve(samples, 100, 20)).toBe('0.0,20.0 50.0,0.0 100.0,10.0')
})

test('One sample has no curve, and no lag at all is a line at the bottom', () => {
  expect(curve([{ at: 0, value: 3 }], 100, 20)).toBe('')
  expect(
    curve(
      [
        { at: 0, value: 0 },
        { at: 9, value: 0 },
      ],
      100,
      20,
    ),
  ).toBe('0.0,20.0 100.0,20.0')
})
