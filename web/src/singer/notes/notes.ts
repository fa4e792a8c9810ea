const classes = ['C', 'C♯', 'D', 'D♯', 'E', 'F', 'F♯', 'G', 'G♯', 'A', 'A♯', 'B'] as const

/** The MIDI number of a frequency, with fractions; A4 = 440 Hz is 69. NaN unless the frequency is positive. */
export function midiOf(hz: number): number {
  return hz > 0 ? 69 + 12 * Math.log2(hz / 440) : Number.NaN
}

/** The frequency of a MIDI number, in Hz. */
export function hzOf(midi: number): number {
  return 440 * 2 ** ((midi - 69) / 12)
}

/** The name of the nearest note, such as F♯3; empty for NaN. */
export function noteName(midi: number): string {
  if (!Number.isFinite(midi)) return ''
  const n = Math.round(midi)
  return `${classes[((n % 12) + 12) % 12]}${Math.floor(n / 12) - 1}`
}

/** How far a pitch is from its nearest note, in cents from −50 to 50. */
export function centsOff(midi: number): number {
  return Math.round((midi - Math.round(midi)) * 100)
}

/** The MIDI number of a name such as C4, F#3, F♯3 or Bb3; undefined if it is none. */
export function parseNote(name: string): number | undefined {
  const found = /^([A-G])([#♯b♭]?)(-?\d)$/.exec(name.trim())
  if (!found) return undefined
  const natural = classes.findIndex((c) => c === found[1])
  const sign = found[2] === '' ? 0 : found[2] === '#' || found[2] === '♯' ? 1 : -1
  return natural + sign + 12 * (Number(found[3]) + 1)
}

/** A name as it is typed, such as c4 or bb3, spelled as parseNote reads it. */
export function spelled(name: string): string {
  const text = name.trim()
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}

/** Whether a note is a black key of a piano. */
export function isBlack(midi: number): boolean {
  return [1, 3, 6, 8, 10].includes(((midi % 12) + 12) % 12)
}

/** The whole octaves and the semitones beyond them between two notes. */
export function interval(low: number, high: number): { octaves: number; semitones: number } {
  const width = Math.max(Math.round(high) - Math.round(low), 0)
  return { octaves: Math.floor(width / 12), semitones: width % 12 }
}

/** A mode of a key. */
export type Mode = 'major' | 'minor'

// The keys that musicians write: the one of two names that needs fewer accidentals.
const written = {
  major: ['C', 'D♭', 'D', 'E♭', 'E', 'F', 'F♯', 'G', 'A♭', 'A', 'B♭', 'B'],
  minor: ['C', 'C♯', 'D', 'E♭', 'E', 'F', 'F♯', 'G', 'G♯', 'A', 'B♭', 'B'],
} as const

/** The name of a tonic as musicians write it in a key, such as B♭ for A# in major. */
export function tonicName(tonic: string, mode: Mode): string {
  const midi = parseNote(`${tonic}4`)
  return midi === undefined ? tonic : (written[mode][midi % 12] ?? tonic)
}

/** A key such as “F# minor” moved by semitones; undefined if it is none. */
export function transposeKey(key: string, by: number): { tonic: string; mode: Mode } | undefined {
  const found = /^([A-G][#♯b♭]?) (major|minor)$/.exec(key.trim())
  const tonic = parseNote(`${found?.[1]}4`)
  if (!found || tonic === undefined) return undefined
  const mode = found[2] as Mode
  return { tonic: written[mode][(((tonic + by) % 12) + 12) % 12] ?? '', mode }
}
