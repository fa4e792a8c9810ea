/** Where events come from: an EventSource, or what a test has in its place. */
export type Source = Pick<EventTarget, 'addEventListener'> & { readonly readyState: number; close: () => void }

const closed = 2
const [first, longest] = [2_000, 60_000]

/**
 * Keeps a stream open. Browsers reconnect by themselves after a lost connection, but give up for good after an answer
 * such as 503: then another one is opened, later and later until one succeeds. `refused` is called at each refusal.
 * The answer ends it.
 */
export function keepOpen(open: () => Source, refused: () => void): () => void {
  let source: Source
  let timer: ReturnType<typeof setTimeout> | undefined
  let delay = first
  function begin() {
    const opened = open()
    source = opened
    opened.addEventListener('open', () => {
      delay = first
    })
    opened.addEventListener('error', () => {
      if (opened.readyState !== closed || opened !== source) return
      timer = setTimeout(begin, delay)
      delay = Math.min(2 * delay, longest)
      refused()
    })
  }
  begin()
  return () => {
    clearTimeout(timer)
    source.close()
  }
}
