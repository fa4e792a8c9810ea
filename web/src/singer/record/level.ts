/** From this amplitude on a sample counts as clipped; 1 is full scale. */
export const clipped = 0.985
/** Below this peak the whole time, a take is too quiet to be analyzed well, in dBFS. */
export const tooQuiet = -34
/** How long somebody may be silent before that is said, in seconds. */
const patience = 4
/** How long a warning about clipping stays, in seconds. */
const lasting = 3

/** The peak of samples from −1 to 1. */
export function peakOf(samples: Float32Array): number {
  let peak = 0
  for (const sample of samples) peak = Math.max(peak, Math.abs(sample))
  return peak
}

/** An amplitude in decibels below full scale; at least −90. */
export function decibels(amplitude: number): number {
  return amplitude > 0 ? Math.max(20 * Math.log10(amplitude), -90) : -90
}

/** The place of an amplitude on a meter from −60 dBFS to full scale, from 0 to 1. */
export function onMeter(amplitude: number): number {
  return Math.min(Math.max((decibels(amplitude) + 60) / 60, 0), 1)
}

/** What is wrong with the level, if something is. */
export type Warning = 'clips' | 'quiet' | undefined

/** Watches the peaks of a take. */
export class LevelWatch {
  private loudest: number | undefined
  private clippedAt = Number.NEGATIVE_INFINITY

  /** Takes a peak at a time of the take in seconds, and says what is wrong then. */
  take(peak: number, at: number): Warning {
    this.loudest = Math.max(this.loudest ?? 0, peak)
    if (peak >= clipped) this.clippedAt = at
    if (at - this.clippedAt < lasting) return 'clips'
    return at > patience && this.quiet ? 'quiet' : undefined
  }

  /** Whether nothing loud enough was heard until now; false if no level was taken, since nothing is known then. */
  get quiet(): boolean {
    return this.loudest !== undefined && decibels(this.loudest) < tooQuiet
  }

  /** Whether anything clipped until now. */
  get clips(): boolean {
    return this.clippedAt > Number.NEGATIVE_INFINITY
  }
}
