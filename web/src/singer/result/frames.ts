/** Calls a function at most once in each frame of the screen, however often it is asked for. */
export function onceAFrame(does: () => void): { request: () => void; cancel: () => void } {
  let frame = 0
  return {
    request: () => {
      if (frame !== 0) return
      frame = requestAnimationFrame(() => {
        frame = 0
        does()
      })
    },
    cancel: () => {
      cancelAnimationFrame(frame)
      frame = 0
    },
  }
}
