/** The waveform as the API answers: the JSON of audiowaveform. */
export type Waveform = { sample_rate: number; samples_per_pixel: number; bits: number; data: readonly number[] }

/** The lowest and highest samples of equal stretches of a recording, from −1 to 1. */
export type Peaks = { min: Float32Array; max: Float32Array; perSecond: number }

/** Reads a waveform. */
export function peaksOf(waveform: Waveform): Peaks {
  const scale = 2 ** (waveform.bits - 1)
  const length = Math.floor(waveform.data.length / 2)
  const min = new Float32Array(length)
  const max = new Float32Array(length)
  for (let i = 0; i < length; i++) {
    min[i] = (waveform.data[2 * i] ?? 0) / scale
    max[i] = (waveform.data[2 * i + 1] ?? 0) / scale
  }
  return { min, max, perSecond: waveform.sample_rate / waveform.samples_per_pixel }
}

/** How many pairs to ask for: enough for a close look, and at most what the API gives. */
export function pointsFor(duration: number): number {
  return Math.round(Math.min(Math.max(duration * 60, 2_000), 100_000))
}

/** The extremes of the samples between two times. */
export function extremes(peaks: Peaks, from: number, to: number): [number, number] {
  const first = Math.max(Math.floor(from * peaks.perSecond), 0)
  const last = Math.min(Math.max(Math.ceil(to * peaks.perSecond), first + 1), peaks.min.length)
  let lo = 0
  let hi = 0
  for (let i = first; i < last; i++) {
    lo = Math.min(lo, peaks.min[i] as number)
    hi = Math.max(hi, peaks.max[i] as number)
  }
  return [lo, hi]
}

/** The largest size of a sample, from 0 to 1; quiet recordings are drawn larger by it. */
export function loudest(peaks: Peaks): number {
  let most = 0.05
  for (let i = 0; i < peaks.min.length; i++) most = Math.max(most, -(peaks.min[i] as number), peaks.max[i] as number)
  return most
}
