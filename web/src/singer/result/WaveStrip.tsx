import { useEffect, useRef } from 'react'
import { colourOf, drawWave } from './canvas'
import { onceAFrame } from './frames'
import styles from './Player.module.css'
import type { Peaks } from './peaks'
import { useThemeChange } from './useThemeChange'
import type { TimeWindow } from './window'

/** The waveform of the part that is shown; with `whole`, of the whole recording. */
export function WaveStrip({ peaks, view, whole = false }: { peaks: Peaks; view: TimeWindow; whole?: boolean }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const theme = useThemeChange()
  useEffect(() => {
    const place = canvas.current
    if (!place) return
    let colour = ''
    function draw() {
      if (!place) return
      colour ||= colourOf(place.parentElement ?? place, '--wave')
      if (whole) drawWave(place, peaks, 0, view.duration, colour)
      else drawWave(place, peaks, view.from, view.to, colour)
    }
    const frames = onceAFrame(draw)
    const unsubscribe = whole ? () => {} : view.subscribe(frames.request)
    const resized = new ResizeObserver(frames.request)
    resized.observe(place)
    return () => {
      unsubscribe()
      resized.disconnect()
      frames.cancel()
    }
  }, [peaks, view, whole, theme])
  return <canvas ref={canvas} className={whole ? styles.overviewWave : styles.wave} aria-hidden="true" />
}
