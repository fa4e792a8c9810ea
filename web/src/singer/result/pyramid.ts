type Level = { size: number; min: Float32Array; max: Float32Array }

/** How many bins of a level are one of the next. */
const factor = 2

/**
 * The lowest and highest values of a curve at several resolutions, so that a part of any length is drawn from about
 * as many values as there are pixels. NaN stands for no value.
 */
export class Pyramid {
  private readonly levels: Level[]

  constructor(readonly values: Float32Array) {
    this.levels = [{ size: 1, min: values, max: values }]
    for (let last = this.levels[0]; last && last.min.length > 512; last = this.levels.at(-1)) {
      this.levels.push(above(last))
    }
  }

  /** The extremes of the values from `from` to `to` (indices, fractions allowed) in at most `bins` bins, and two at the ends. `first` is the index of the first bin. */
  slice(from: number, to: number, bins: number): { size: number; first: number; min: Float32Array; max: Float32Array } {
    const wanted = (to - from) / Math.max(bins, 1)
    const level = this.levels.find((l) => l.size >= wanted) ?? this.levels.at(-1)
    if (!level) throw new Error('a pyramid has a level')
    const first = Math.max(Math.floor(from / level.size) - 1, 0)
    const last = Math.min(Math.ceil(to / level.size) + 1, level.min.length)
    return { size: level.size, first, min: level.min.subarray(first, last), max: level.max.subarray(first, last) }
  }
}

function above(level: Level): Level {
  const length = Math.ceil(level.min.length / factor)
  const min = new Float32Array(length).fill(Number.NaN)
  const max = new Float32Array(length).fill(Number.NaN)
  for (let i = 0; i < level.min.length; i++) {
    const lo = level.min[i] as number
    if (Number.isNaN(lo)) continue
    const hi = level.max[i] as number
    const into = Math.floor(i / factor)
    if (!(lo >= (min[into] as number))) min[into] = lo
    if (!(hi <= (max[into] as number))) max[into] = hi
  }
  return { size: level.size * factor, min, max }
}
