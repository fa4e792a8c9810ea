import type { Schemas } from '../../api/client'
import { type Mode, midiOf, parseNote, transposeKey } from '../notes/notes'

/** How close two tempos are, with their halves and doubles taken for the same, to be called close. */
const near = 0.08

/** How a song is sung by a voice, in numbers. */
export type Fit = {
  /** In semitones, without the octaves. */
  transposition: number
  octaves: number
  /** The notes that it then has, and how many semitones of the voice are left at each end. */
  sung?: { low: number; high: number; below: number; above: number }
  key?: { tonic: string; mode: Mode }
  sameTempo: boolean
}

/** Says how a song fits the voice of an analysis. */
export function fitOf(
  song: Schemas['FittingSong'],
  { pitch, tempo }: Pick<Schemas['Analysis'], 'pitch' | 'tempo'>,
): Fit {
  const by = song.transposition + 12 * song.octaves
  const low = parseNote(song.low ?? '')
  const high = parseNote(song.high ?? '')
  const known = low !== undefined && high !== undefined
  return {
    transposition: song.transposition,
    octaves: song.octaves,
    sung: known
      ? {
          low: low + by,
          high: high + by,
          below: Math.max(low + by - Math.round(midiOf(pitch.min_hz)), 0),
          above: Math.max(Math.round(midiOf(pitch.max_hz)) - (high + by), 0),
        }
      : undefined,
    key: song.key ? transposeKey(song.key, song.transposition) : undefined,
    sameTempo: sameTempo(song.tempo_bpm ?? 0, tempo.bpm),
  }
}

function sameTempo(a: number, b: number): boolean {
  if (!(a > 0) || !(b > 0)) return false
  const octaves = Math.log2(a / b)
  return Math.abs(octaves - Math.round(octaves)) < near
}
