import { expect, test, vi } from 'vitest'
import { TimeWindow } from './window'

test('A window stays within the recording', () => {
  const view = new TimeWindow(60, 10, 20)
  view.pan(-30)
  expect([view.from, view.to]).toEqual([0, 10])
  view.pan(1_000)
  expect([view.from, view.to]).toEqual([50, 60])
  view.zoom(100)
  expect(view.whole).toBe(true)
})

test('Zooming keeps the time under the pointer in its place', () => {
  const view = new TimeWindow(100)
  view.zoom(0.25, 80)
  expect(view.span).toBeCloseTo(25)
  expect(view.shareOf(80)).toBeCloseTo(0.8)
})

test('There is a least window, and a recording shorter than it is shown whole', () => {
  const view = new TimeWindow(100)
  view.zoom(1e-9, 50)
  expect(view.span).toBe(0.5)
  const blip = new TimeWindow(0.2)
  blip.zoom(0.1)
  expect(blip.span).toBe(0.2)
})

test('What makes no sense in an address shows something all the same', () => {
  const view = new TimeWindow(30, 400, 500)
  expect(view.from).toBeGreaterThanOrEqual(0)
  expect(view.to).toBe(30)
})

test('The window turns its page when the play head leaves it, and not before', () => {
  const view = new TimeWindow(100, 0, 10)
  view.follow(5)
  expect(view.from).toBe(0)
  view.follow(9.9)
  expect(view.from).toBeCloseTo(9.3)
  view.follow(2)
  expect(view.from).toBeCloseTo(1.4)
})

test('Listeners hear of changes only', () => {
  const view = new TimeWindow(100, 0, 10)
  const heard = vi.fn()
  const stop = view.subscribe(heard)
  view.pan(-5)
  expect(heard).not.toHaveBeenCalled()
  view.pan(5)
  expect(heard).toHaveBeenCalledOnce()
  stop()
  view.pan(5)
  expect(heard).toHaveBeenCalledOnce()
})
