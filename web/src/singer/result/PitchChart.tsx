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
import type { Pyramid } from './pyramid'
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
    // uPlot draws the axes. Of the curve it gets only the ends: the drawing reads the pyramid.
    const ends = (): uPlot.AlignedData => [
      [view.from, view.to],
      [low, high],
    ]
    const drawing = { curve, hop, view, low, high, colour: colourOf(element, '--curve') }
    const chart = new uPlot(options(element, drawing), ends(), element)
    const frames = onceAFrame(() => chart.setData(ends(), true))
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

type Drawing = Props & { colour: string }

function options(element: HTMLElement, drawing: Drawing): uPlot.Options {
  const { view, low, high } = drawing
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
    series: [{}, { paths: () => null, points: { show: false } }],
    hooks: { drawSeries: [(chart) => draw(chart, drawing)] },
  }
}

/** Whether the label of a time is not cut by the edges of the chart. */
function hasRoom(chart: uPlot, at: number): boolean {
  const x = chart.valToPos(at, 'x')
  return x >= -1 && x <= chart.width - gutter - 18
}

/** How thick the curve is, in pixels of the page. */
const thickness = 2.25

/** Draws the part of the curve that is shown. It is broken wherever nothing was sung, also where that is less than a pixel. */
function draw(chart: uPlot, { curve, hop, view, low, high, colour }: Drawing) {
  const { left, top, width, height } = chart.bbox
  // A bin is about as wide as the line is thick: more would not be seen.
  const bins = (1.8 * width) / (thickness * devicePixelRatio)
  const { size, first, min, max } = curve.slice(view.from / hop, view.to / hop, bins)
  const perNote = height / (high - low)
  const y = (note: number) => top + (high - note) * perNote
  const path = new Path2D()
  let down = false
  for (let i = 0; i < min.length; i++) {
    const [lo, hi] = [min[i] as number, max[i] as number]
    if (Number.isNaN(lo)) {
      down = false
      continue
    }
    const x = left + (((first + i) * size * hop - view.from) / view.span) * width
    if (!down) path.moveTo(x, y(lo))
    path.lineTo(x, y(lo))
    // A line of more segments takes longer to draw: what is less than a pixel high gets none of its own.
    if ((hi - lo) * perNote > 1) path.lineTo(x, y(hi))
    down = true
  }
  const context = chart.ctx
  context.save()
  context.beginPath()
  context.rect(left, top, width, height)
  context.clip()
  context.strokeStyle = colour
  context.lineWidth = thickness * devicePixelRatio
  // Round joins would take twice as long, and are not seen in steps of a pixel.
  context.lineJoin = 'bevel'
  context.stroke(path)
  context.restore()
}
