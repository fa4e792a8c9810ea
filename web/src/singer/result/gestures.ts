import type { TimeWindow } from './window'

/** How far a pointer may move and still be a click, in pixels. */
const still = 4

/**
 * Lets pointers and the wheel move a window: a drag pans, two fingers and Ctrl with the wheel zoom, Shift with the
 * wheel or a sideways wheel pans, and a click goes to `onPick` with its time. A plain wheel scrolls the page.
 */
export function followGestures(element: HTMLElement, view: TimeWindow, onPick: (time: number) => void): () => void {
  const pointers = new Map<number, number>()
  let moved = 0

  const shareAt = (clientX: number) => {
    const { left, width } = element.getBoundingClientRect()
    return (clientX - left) / Math.max(width, 1)
  }
  function down(event: PointerEvent) {
    if (event.button !== 0) return
    pointers.set(event.pointerId, event.clientX)
    if (pointers.size === 1) moved = 0
    element.setPointerCapture(event.pointerId)
  }
  function move(event: PointerEvent) {
    const before = pointers.get(event.pointerId)
    if (before === undefined) return
    const perPixel = view.span / Math.max(element.clientWidth, 1)
    const by = event.clientX - before
    moved += Math.abs(by)
    pointers.set(event.pointerId, event.clientX)
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1]
    if (other === undefined) {
      if (moved > still) view.pan(-by * perPixel)
      return
    }
    const apart = Math.max(Math.abs(before - other), 8)
    view.zoom(apart / Math.max(Math.abs(event.clientX - other), 8), view.timeAt(shareAt((before + other) / 2)))
  }
  function up(event: PointerEvent) {
    if (!pointers.delete(event.pointerId)) return
    if (event.type === 'pointerup' && moved <= still && pointers.size === 0) onPick(view.timeAt(shareAt(event.clientX)))
  }
  function wheel(event: WheelEvent) {
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault()
      view.zoom(Math.exp(event.deltaY * 0.004), view.timeAt(shareAt(event.clientX)))
      return
    }
    const sideways = event.shiftKey && event.deltaX === 0 ? event.deltaY : event.deltaX
    if (view.whole || (!event.shiftKey && Math.abs(event.deltaX) <= Math.abs(event.deltaY))) return
    event.preventDefault()
    view.pan((sideways / Math.max(element.clientWidth, 1)) * view.span)
  }
  element.addEventListener('pointerdown', down)
  element.addEventListener('pointermove', move)
  element.addEventListener('pointerup', up)
  element.addEventListener('pointercancel', up)
  element.addEventListener('wheel', wheel, { passive: false })
  return () => {
    element.removeEventListener('pointerdown', down)
    element.removeEventListener('pointermove', move)
    element.removeEventListener('pointerup', up)
    element.removeEventListener('pointercancel', up)
    element.removeEventListener('wheel', wheel)
  }
}
