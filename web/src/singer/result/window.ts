/** The least that can be shown, in seconds. */
const least = 0.5

/** The part of a recording that is shown, in seconds. It always lies within the recording. */
export class TimeWindow {
  private listeners = new Set<() => void>()
  private begin = 0
  private end: number

  constructor(
    readonly duration: number,
    from = 0,
    to = duration,
  ) {
    this.end = duration
    this.show(from, to)
  }

  get from(): number {
    return this.begin
  }

  get to(): number {
    return this.end
  }

  /** How much is shown, in seconds. */
  get span(): number {
    return this.end - this.begin
  }

  get whole(): boolean {
    return this.span >= this.duration - 1e-6
  }

  readonly subscribe = (listener: () => void) => {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  /** Shows a part. One that is too small or beyond the ends is moved and widened. */
  show(from: number, to: number) {
    const span = Math.min(Math.max(to - from, Math.min(least, this.duration)), this.duration)
    const begin = Math.min(Math.max(from, 0), this.duration - span)
    if (begin === this.begin && begin + span === this.end) return
    this.begin = begin
    this.end = begin + span
    for (const listener of this.listeners) listener()
  }

  /** Moves by seconds. */
  pan(by: number) {
    this.show(this.begin + by, this.begin + by + this.span)
  }

  /** Shows `factor` times as much, with the time `at` staying in its place. */
  zoom(factor: number, at = this.begin + this.span / 2) {
    const span = Math.min(Math.max(this.span * factor, Math.min(least, this.duration)), this.duration)
    const share = (at - this.begin) / this.span
    this.show(at - share * span, at - share * span + span)
  }

  /** Turns the page if a time is not shown or too near to the end. */
  follow(time: number) {
    if (this.whole || (time >= this.begin && time <= this.end - this.span * 0.06)) return
    this.show(time - this.span * 0.06, time - this.span * 0.06 + this.span)
  }

  /** Where a time is, from 0 at the beginning of the window to 1 at its end. */
  shareOf(time: number): number {
    return (time - this.begin) / this.span
  }

  /** The time at a share of the window, within the recording. */
  timeAt(share: number): number {
    return Math.min(Math.max(this.begin + share * this.span, 0), this.duration)
  }
}
