import type { Schemas } from '../../api/client'
import { midiOf } from '../notes/notes'

/** From this probability on a frame counts as sung. */
const sung = 0.5

/** The pitch over time as MIDI numbers with fractions; NaN where nothing was sung. */
export function midiCurve(curve: Schemas['PitchCurve']): Float32Array {
  const { f0_hz, voicing } = curve
  const midi = new Float32Array(f0_hz?.length ?? 0)
  for (let i = 0; i < midi.length; i++) midi[i] = (voicing?.[i] ?? 1) >= sung ? midiOf(f0_hz?.[i] ?? 0) : Number.NaN
  return midi
}

/** The pitch at a time in seconds; NaN where nothing was sung. */
export function pitchAt(midi: Float32Array, hop: number, time: number): number {
  return midi[Math.round(time / hop)] ?? Number.NaN
}

/** The notes that a chart shows: what was sung with room for overtones above. */
export function noteSpan(pitch: Schemas['Analysis']['pitch']): { low: number; high: number } {
  const low = midiOf(pitch.min_hz)
  const high = midiOf(pitch.max_hz)
  if (!Number.isFinite(low) || !Number.isFinite(high)) return { low: 40, high: 80 }
  const bottom = Math.floor(low) - 4
  return { low: bottom, high: Math.max(Math.ceil(high) + 10, bottom + 30) }
}

/** The notes that are labelled on an axis of so many pixels: all naturals, a few, or only each C. */
export function noteTicks(low: number, high: number, pixels: number): number[] {
  const perNote = pixels / (high - low)
  const shown = perNote >= 12 ? [0, 2, 4, 5, 7, 9, 11] : perNote >= 6 ? [0, 4, 7] : [0]
  const ticks: number[] = []
  for (let n = Math.ceil(low); n <= high; n++) if (shown.includes(((n % 12) + 12) % 12)) ticks.push(n)
  return ticks
}
