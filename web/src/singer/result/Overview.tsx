import { useEffect, useRef } from 'react'
import { onceAFrame } from './frames'
import styles from './Player.module.css'
import type { Peaks } from './peaks'
import { WaveStrip } from './WaveStrip'
import type { TimeWindow } from './window'

type Props = { view: TimeWindow; peaks: Peaks | undefined; time: number }

/** The whole recording in little, with the part that is shown. A pointer moves it; the buttons and keys do the same. */
export function Overview({ view, peaks, time }: Props) {
  const place = useRef<HTMLDivElement>(null)
  const part = useRef<HTMLDivElement>(null)

  useEffect(() => {
    const update = () => {
      part.current?.style.setProperty('left', `${(view.from / view.duration) * 100}%`)
      part.current?.style.setProperty('width', `${(view.span / view.duration) * 100}%`)
    }
    const frames = onceAFrame(update)
    update()
    const unsubscribe = view.subscribe(frames.request)
    return () => {
      unsubscribe()
      frames.cancel()
    }
  }, [view])

  function centre(event: React.PointerEvent) {
    const area = place.current?.getBoundingClientRect()
    if (!area) return
    const at = ((event.clientX - area.left) / area.width) * view.duration
    view.show(at - view.span / 2, at + view.span / 2)
  }
  return (
    <div
      ref={place}
      className={styles.overview}
      aria-hidden="true"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId)
        centre(event)
      }}
      onPointerMove={(event) => event.buttons > 0 && centre(event)}
    >
      {peaks && <WaveStrip peaks={peaks} view={view} whole />}
      <div ref={part} className={styles.part} />
      <div className={styles.tick} style={{ left: `${(time / Math.max(view.duration, 1e-3)) * 100}%` }} />
    </div>
  )
}
