/** A value at a moment, in milliseconds since 1970. */
export type Sample = { at: number; value: number }

/** How long samples are kept, in milliseconds. */
export const kept = 10 * 60_000

/** The samples with a new one, without those that are too old. One of the same moment is not repeated. */
export function withSample(samples: readonly Sample[], sample: Sample): Sample[] {
  if (samples.at(-1)?.at === sample.at) return [...samples]
  return [...samples.filter(({ at }) => at > sample.at - kept), sample]
}

/** The points of a curve through the samples, in a box whose height is that of the largest value. */
export function curve(samples: readonly Sample[], width: number, height: number): string {
  const first = samples[0]
  const last = samples.at(-1)
  if (!first || !last || first.at === last.at) return ''
  const highest = Math.max(1, ...samples.map(({ value }) => value))
  const x = (at: number) => (((at - first.at) / (last.at - first.at)) * width).toFixed(1)
  const y = (value: number) => (height - (value / highest) * height).toFixed(1)
  return samples.map(({ at, value }) => `${x(at)},${y(value)}`).join(' ')
}
