import { expect, test } from 'vitest'
import { hzOf } from '../notes/notes'
import { certainty, loudness, pace, peaksCut } from './judge'
import { extremes, peaksOf, pointsFor } from './peaks'
import { midiCurve, noteSpan, noteTicks, pitchAt } from './pitch'
import { fitOf } from './songs'
import { frame, locate, picture, samplesOf } from './spectrum'

const pitch = {
  median_hz: 293.7,
  min_hz: 164.81,
  max_hz: 554.37,
  low_note: 'E3',
  high_note: 'C#5',
  tessitura_low_hz: 220,
  tessitura_high_hz: 440,
  voiced_ratio: 0.8,
  hop_s: 0.01,
}
const silent = { ...pitch, median_hz: 0, min_hz: 0, max_hz: 0, tessitura_low_hz: 0, tessitura_high_hz: 0 }

test('Frames that were hardly sung have no pitch', () => {
  const midi = midiCurve({ hop_s: 0.01, f0_hz: [440, 440, 0], voicing: [0.9, 0.2, 0.9] })
  expect([...midi]).toEqual([69, Number.NaN, Number.NaN])
  expect(pitchAt(midi, 0.01, 0.001)).toBe(69)
  expect(pitchAt(midi, 0.01, 99)).toBeNaN()
  expect(midiCurve({ hop_s: 0.01, f0_hz: null, voicing: null })).toHaveLength(0)
})

test('The axis of notes has room for the voice, and shows something for silence', () => {
  const { low, high } = noteSpan(pitch)
  expect(low).toBeLessThan(52)
  expect(high).toBeGreaterThan(73)
  expect(noteSpan(silent).high).toBeGreaterThan(noteSpan(silent).low)
})

test('An axis labels as many notes as have room', () => {
  expect(noteTicks(48, 60, 400)).toEqual([48, 50, 52, 53, 55, 57, 59, 60])
  expect(noteTicks(48, 60, 100)).toEqual([48, 52, 55, 60])
  expect(noteTicks(48, 84, 100)).toEqual([48, 60, 72, 84])
})

test('A waveform is read, and the extremes of a stretch found', () => {
  const peaks = peaksOf({ sample_rate: 100, samples_per_pixel: 50, bits: 8, data: [-64, 32, -8, 127, 0, 0] })
  expect(peaks.perSecond).toBe(2)
  expect(extremes(peaks, 0, 0.5)).toEqual([-0.5, 0.25])
  expect(extremes(peaks, 0, 1)).toEqual([-0.5, 127 / 128])
  expect(extremes(peaks, 5, 6)).toEqual([0, 0])
})

test('A waveform is asked for within the bounds of the API', () => {
  expect(pointsFor(1)).toBe(2_000)
  expect(pointsFor(3_600)).toBe(100_000)
})

test('A song is told with the notes and the key that it then has, and the room that is left', () => {
  const song = { id: 'a', title: 'A', low: 'D4', high: 'D5', key: 'G major', transposition: -2, octaves: 0 }
  const fit = fitOf({ ...song, tempo_bpm: 130, score: 1, reason: '' }, { pitch, tempo: { bpm: 64, confidence: 1 } })
  expect(fit.sung).toEqual({ low: 60, high: 72, below: 8, above: 1 })
  expect(fit.key).toEqual({ tonic: 'F', mode: 'major' })
  expect(fit.sameTempo).toBe(true)
})

test('A song of which little is known is told without numbers', () => {
  const fit = fitOf(
    { id: 'a', title: 'A', transposition: 0, octaves: 1, score: 1, reason: '' },
    { pitch, tempo: { bpm: 64, confidence: 1 } },
  )
  expect(fit).toEqual({ transposition: 0, octaves: 1, sung: undefined, key: undefined, sameTempo: false })
})

test('Low confidence is said, and nothing found is not uncertain', () => {
  expect(certainty(true, 0.8)).toBe('sure')
  expect(certainty(true, 0.3)).toBe('unsure')
  expect(certainty(false, 0)).toBe('none')
})

test('Loudness and tempo have words', () => {
  expect([-5, -12, -20, -35, -50].map(loudness)).toEqual(['VeryLoud', 'Loud', 'Good', 'Quiet', 'VeryQuiet'])
  expect([60, 100, 140].map(pace)).toEqual(['Slow', 'Medium', 'Fast'])
  expect([peaksCut(0.2), peaksCut(-3)]).toEqual([true, false])
})

function wav(samples: Int16Array): ArrayBuffer {
  const bytes = new ArrayBuffer(44 + samples.byteLength)
  const view = new DataView(bytes)
  const tag = (at: number, text: string) => [...text].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)))
  tag(0, 'RIFF')
  tag(8, 'WAVE')
  tag(12, 'fmt ')
  view.setUint32(16, 16, true)
  view.setUint32(24, 16_000, true)
  tag(36, 'data')
  view.setUint32(40, samples.byteLength, true)
  new Int16Array(bytes, 44).set(samples)
  return bytes
}

test('The samples of a WAV are found by its chunks', () => {
  expect(locate(wav(new Int16Array(4)))).toEqual({ start: 44, rate: 16_000 })
  expect(locate(new ArrayBuffer(100))).toBeUndefined()
  expect(locate(new ArrayBuffer(3))).toBeUndefined()
  expect([...samplesOf(new Int16Array([0, 16384, -32768]).buffer)]).toEqual([0, 0.5, -1])
})

test('A tone is a line at its note, and silence is empty', () => {
  const seconds = 0.5
  const tone = Float32Array.from({ length: 16_000 }, (_, i) => 0.5 * Math.sin((2 * Math.PI * hzOf(69) * i) / 16_000))
  const shape = { width: 4, height: 60, low: 50, high: 80, seconds }
  const { strength, width, height } = picture(tone, 16_000, frame / 2, shape)
  const column = Array.from({ length: height }, (_, y) => strength[y * width + 1] ?? 0)
  const note = 80 - ((column.indexOf(Math.max(...column)) + 0.5) / height) * 30
  expect(Math.abs(note - 69)).toBeLessThan(0.6)
  expect(Math.max(...picture(new Float32Array(16_000), 16_000, 0, shape).strength)).toBe(0)
})
