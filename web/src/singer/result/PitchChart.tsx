import { useEffect, useRef } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { clock } from '../../format/clock'
import { noteName } from '../notes/notes'
import { colourOf } from './canvas'
import { onceAFrame } from './frames'
import { gutter, timeAxis } from './layout'
import styles from './Player.module.css'
import { noteTicks } from './pitch'
import { type Pyramid, pointsOf } from './pyramid'
import { useThemeChange } from './useThemeChange'
import type { TimeWindow } from './window'

/** The steps between labels of time, in seconds: round for a clock. */
const timeSteps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600]

type Props = { curve: Pyramid; hop: number; view: TimeWindow; low: number; high: number }

/** The pitch of the part that is shown, over an axis of notes. */
export function PitchChart({ curve, hop, view, low, high }: Props) {
  const place = useRef<HTMLDivElement>(null)
  const theme = useThemeChange()

  useEffect(() => {
    const element = place.current
    if (!element) return
    const points = () => pointsOf(curve, hop, view.from, view.to, element.clientWidth - gutter)
    const chart = new uPlot(options(element, view, low, high), points(), element)
    const frames = onceAFrame(() => chart.setData(points(), true))
    const unsubscribe = view.subscribe(frames.request)
    const resized = new ResizeObserver(() => {
      chart.setSize({ width: element.clientWidth, height: element.clientHeight })
      frames.request()
    })
    resized.observe(element)
    return () => {
      unsubscribe()
      resized.disconnect()
      frames.cancel()
      chart.destroy()
    }
  }, [curve, hop, view, low, high, theme])

  return <div ref={place} className={styles.chart} aria-hidden="true" />
}

function options(element: HTMLElement, view: TimeWindow, low: number, high: number): uPlot.Options {
  const ink = colourOf(element, '--ink-soft')
  const line = colourOf(element, '--line')
  const font = `12px ${getComputedStyle(element).fontFamily}`
  const grid = { stroke: line, width: 1 }
  return {
    width: element.clientWidth,
    height: element.clientHeight,
    padding: [0, 0, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false, range: () => [view.from, view.to] },
      y: { range: () => [low, high] },
    },
    axes: [
      {
        size: timeAxis,
        stroke: ink,
        font,
        grid,
        ticks: { ...grid, size: 4 },
        gap: 4,
        space: 72,
        incrs: timeSteps,
        values: (self, splits) => splits.map((at) => (hasRoom(self, at) ? clock(at, view.span < 8) : '')),
      },
      {
        size: gutter,
        stroke: ink,
        font,
        grid,
        ticks: { show: false },
        gap: 6,
        // The highest would be cut by the edge.
        splits: (self) => noteTicks(low, high - 0.8, self.bbox.height / devicePixelRatio),
        values: (_, splits) => splits.map(noteName),
      },
    ],
    series: [
      {},
      {
        stroke: colourOf(element, '--curve'),
        width: 2.25,
        cap: 'round',
        paths: (self) => ({ stroke: trace(self, view, low, high), flags: 0 }),
        points: { show: false },
      },
    ],
  }
}

/** Whether the label of a time is not cut by the edges of the chart. */
function hasRoom(chart: uPlot, at: number): boolean {
  const x = chart.valToPos(at, 'x')
  return x >= -1 && x <= chart.width - gutter - 18
}

/** The line of the pitch. It is broken wherever nothing was sung, also where that is less than a pixel. */
function trace(chart: uPlot, view: TimeWindow, low: number, high: number): Path2D {
  const [xs = [], ys = []] = chart.data
  const { left, top, width, height } = chart.bbox
  const perSecond = width / view.span
  const perNote = height / (high - low)
  const path = new Path2D()
  let down = false
  for (let i = 0; i < xs.length; i++) {
    const note = ys[i]
    if (note == null) {
      down = false
      continue
    }
    const x = left + ((xs[i] ?? 0) - view.from) * perSecond
    const y = top + (high - note) * perNote
    if (!down) path.moveTo(x, y)
    path.lineTo(x, y)
    down = true
  }
  return path
}
