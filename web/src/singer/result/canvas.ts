import { extremes, loudest, type Peaks } from './peaks'

/** Gives a canvas the size of its place in device pixels, and the pixels of the page as its unit. */
export function fit(
  canvas: HTMLCanvasElement,
): { context: CanvasRenderingContext2D; width: number; height: number } | undefined {
  const { clientWidth: width, clientHeight: height } = canvas
  const context = canvas.getContext('2d')
  if (!context || width === 0 || height === 0) return undefined
  const ratio = window.devicePixelRatio || 1
  const w = Math.round(width * ratio)
  const h = Math.round(height * ratio)
  if (canvas.width !== w) canvas.width = w
  if (canvas.height !== h) canvas.height = h
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  context.clearRect(0, 0, width, height)
  return { context, width, height }
}

const scales = new WeakMap<Peaks, number>()

/** Draws the waveform of a part of a recording over a whole canvas. */
export function drawWave(canvas: HTMLCanvasElement, peaks: Peaks, from: number, to: number, colour: string) {
  const place = fit(canvas)
  if (!place) return
  const { context, width, height } = place
  const scale = scales.get(peaks) ?? 0.94 / loudest(peaks)
  scales.set(peaks, scale)
  const middle = height / 2
  const perPixel = (to - from) / width
  context.fillStyle = colour
  for (let x = 0; x < width; x++) {
    const [lo, hi] = extremes(peaks, from + x * perPixel, from + (x + 1) * perPixel)
    // Whole pixels, which are filled several times as fast as parts of them.
    const top = Math.round(middle - hi * scale * middle)
    context.fillRect(x, top, 1, Math.max(Math.round(middle - lo * scale * middle) - top, 1))
  }
}

/** A colour of the design as canvases take it. */
export function colourOf(element: HTMLElement, token: `--${string}`): string {
  const probe = document.createElement('span')
  probe.style.color = `var(${token})`
  element.append(probe)
  const colour = getComputedStyle(probe).color
  probe.remove()
  return colour
}
