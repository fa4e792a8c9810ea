import fft, { type FFT } from 'wavesurfer.js/dist/fft.js'
import { hzOf } from '../notes/notes'

// Its types declare a function; it is a constructor.
const Transform = fft as unknown as new (size: number, rate: number, window: 'hann') => FFT

/** Samples of a window of the transform: 128 ms at 16 kHz, which tells semitones apart from C3 on. */
export const frame = 2048

/** How far below the loudest overtone something is still drawn, in dB. */
const depth = 55

/** The samples of 16 bits in bytes of a WAV. */
export function samplesOf(bytes: ArrayBuffer): Float32Array {
  const whole = new Int16Array(bytes.slice(0, bytes.byteLength - (bytes.byteLength % 2)))
  return Float32Array.from(whole, (sample) => sample / 32768)
}

/** Where the samples are in a WAV, found in its first bytes; undefined if they are not a WAV. */
export function locate(head: ArrayBuffer): { start: number; rate: number } | undefined {
  const view = new DataView(head)
  const tag = (at: number) => String.fromCharCode(...new Uint8Array(head, at, 4))
  if (head.byteLength < 44 || tag(0) !== 'RIFF' || tag(8) !== 'WAVE') return undefined
  let rate = 0
  for (let at = 12; at + 8 <= head.byteLength; at += 8 + view.getUint32(at + 4, true)) {
    if (tag(at) === 'fmt ') rate = view.getUint32(at + 12, true)
    if (tag(at) === 'data') return rate > 0 ? { start: at + 8, rate } : undefined
  }
  return undefined
}

/** A picture of the overtones: one column for each step in time, one row for each part of a semitone. */
export type Picture = { width: number; height: number; strength: Float32Array }

/**
 * The strength of what sounds, from 0 to 1, by time (columns) and note (rows, the highest first). The samples begin
 * `lead` samples before the first column, so that its window is full, too.
 */
export function picture(
  samples: Float32Array,
  rate: number,
  lead: number,
  shape: { width: number; height: number; low: number; high: number; seconds: number },
): Picture {
  const { width, height, low, high, seconds } = shape
  const transform = new Transform(frame, rate, 'hann')
  const rows = Float32Array.from({ length: height }, (_, y) => {
    const midi = high - ((y + 0.5) / height) * (high - low)
    return (hzOf(midi) * frame) / rate
  })
  const strength = new Float32Array(width * height)
  const input = new Float32Array(frame)
  let most = -60
  for (let x = 0; x < width; x++) {
    const centre = Math.round(lead + ((x + 0.5) / width) * seconds * rate)
    for (let i = 0; i < frame; i++) input[i] = samples[centre - frame / 2 + i] ?? 0
    const spectrum = transform.calculateSpectrum(input)
    for (let y = 0; y < height; y++) {
      const bin = rows[y] as number
      const below = Math.floor(bin)
      const part = bin - below
      const size = (spectrum[below] ?? 0) * (1 - part) + (spectrum[below + 1] ?? 0) * part
      const db = size > 0 ? 20 * Math.log10(size) : -120
      strength[y * width + x] = db
      if (db > most) most = db
    }
  }
  for (let i = 0; i < strength.length; i++) {
    strength[i] = Math.min(Math.max(((strength[i] as number) - most + depth) / depth, 0), 1)
  }
  return { width, height, strength }
}
