/** Measures for how long something has run, without its pauses. Moments are in milliseconds. */
export class Stopwatch {
  private before = 0
  private since: number | undefined

  start(now: number) {
    this.since ??= now
  }

  stop(now: number) {
    this.before = this.milliseconds(now)
    this.since = undefined
  }

  /** How long it has run, up to now. */
  milliseconds(now: number): number {
    return this.before + (this.since === undefined ? 0 : now - this.since)
  }
}
