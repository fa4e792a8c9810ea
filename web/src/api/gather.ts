/** Calls at most once in a time, with everything that was given meanwhile. */
export class Gather<T> {
  private given = new Set<T>()
  private timer: ReturnType<typeof setTimeout> | undefined

  constructor(
    private readonly milliseconds: number,
    private readonly does: (given: ReadonlySet<T>) => void,
  ) {}

  /** Adds something to the next call. The first one is made at once. */
  add(...items: T[]) {
    for (const item of items) this.given.add(item)
    if (this.timer === undefined) this.flush()
  }

  /** Forgets what was not called with yet. */
  drop() {
    clearTimeout(this.timer)
    this.timer = undefined
    this.given = new Set()
  }

  private flush() {
    this.timer = undefined
    if (this.given.size === 0) return
    const all = this.given
    this.given = new Set()
    this.timer = setTimeout(() => this.flush(), this.milliseconds)
    this.does(all)
  }
}
