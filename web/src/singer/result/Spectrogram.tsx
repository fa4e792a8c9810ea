import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { colourOf, fit } from './canvas'
import { onceAFrame } from './frames'
import styles from './Player.module.css'
import type { Ask, Drawn } from './spectrogram.worker'
import { useThemeChange } from './useThemeChange'
import type { TimeWindow } from './window'

/** A longer part has more samples than are fetched for a picture, in seconds. */
const longest = 60
/** How long a window must rest before its picture is made, in milliseconds. */
const rest = 180

type Props = { url: string; view: TimeWindow; low: number; high: number }
type Shown = { from: number; to: number; picture: HTMLCanvasElement }

/** The overtones of the part that is shown, from samples fetched for that part alone. */
export function Spectrogram({ url, view, low, high }: Props) {
  const { t } = useTranslation('result')
  const canvas = useRef<HTMLCanvasElement>(null)
  const theme = useThemeChange()
  const [tooWide, setTooWide] = useState(view.span > longest)
  const [failed, setFailed] = useState(false)

  useEffect(() => {
    const place = canvas.current
    if (!place) return
    const worker = new Worker(new URL('./spectrogram.worker.ts', import.meta.url), { type: 'module' })
    const colour = rgb(colourOf(place.parentElement ?? place, '--accent'))
    let shown: Shown | undefined
    let asked: Ask | undefined
    let id = 0
    let timer: ReturnType<typeof setTimeout> | undefined

    let empty = true

    function paint() {
      const nothing = !shown || view.span > longest
      // A canvas that is touched costs as much as one that is drawn.
      if (nothing && empty) return
      const room = canvas.current && fit(canvas.current)
      empty = nothing
      if (!room || !shown || nothing) return
      const { context, width, height } = room
      const left = view.shareOf(shown.from) * width
      context.drawImage(shown.picture, left, 0, view.shareOf(shown.to) * width - left, height)
    }
    function ask() {
      if (!place || view.span > longest || place.clientWidth === 0) return
      const margin = view.span / 4
      const from = Math.max(view.from - margin, 0)
      const to = Math.min(view.to + margin, view.duration)
      const width = Math.round(Math.min(place.clientWidth, 900) * ((to - from) / view.span))
      asked = { id: ++id, url, from, to, low, high, width, height: Math.min(place.clientHeight, 320), colour }
      worker.postMessage(asked)
    }
    worker.addEventListener('error', () => {
      setFailed(true)
    })
    worker.addEventListener('message', ({ data }: MessageEvent<Drawn>) => {
      if (!asked || data.id !== asked.id) return
      setFailed('failed' in data)
      if ('failed' in data) return
      shown = { from: asked.from, to: asked.to, picture: asPicture(data.image) }
      paint()
    })
    function changed() {
      setTooWide(view.span > longest)
      paint()
      clearTimeout(timer)
      if (!covers(shown, view)) timer = setTimeout(ask, rest)
    }
    const frames = onceAFrame(changed)
    const unsubscribe = view.subscribe(frames.request)
    const resized = new ResizeObserver(frames.request)
    resized.observe(place)
    ask()
    return () => {
      unsubscribe()
      resized.disconnect()
      frames.cancel()
      clearTimeout(timer)
      worker.terminate()
    }
  }, [url, view, low, high, theme])

  return (
    <>
      <canvas ref={canvas} className={styles.spectrogram} aria-hidden="true" />
      {(tooWide || failed) && (
        <p className={styles.overlayHint} role="status">
          {tooWide ? t('player.spectrogramZoom') : t('player.spectrogramFailed')}
        </p>
      )}
    </>
  )
}

/** Whether a picture has all of a window, at nearly the resolution that it would have anew. */
function covers(shown: Shown | undefined, view: TimeWindow): boolean {
  if (!shown) return false
  const closeEnough = shown.to - shown.from < view.span * 2.2
  return closeEnough && shown.from <= view.from + 1e-6 && shown.to >= view.to - 1e-6
}

function asPicture(image: ImageData): HTMLCanvasElement {
  const picture = document.createElement('canvas')
  picture.width = image.width
  picture.height = image.height
  picture.getContext('2d')?.putImageData(image, 0, 0)
  return picture
}

function rgb(colour: string): [number, number, number] {
  const [red = 0, green = 0, blue = 0] = colour.match(/[\d.]+/g)?.map(Number) ?? []
  return [red, green, blue]
}
