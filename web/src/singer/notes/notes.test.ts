import { expect, test } from 'vitest'
import { centsOff, interval, isBlack, midiOf, noteName, parseNote, spelled, tonicName, transposeKey } from './notes'

test('A frequency has the name of its nearest note', () => {
  expect(noteName(midiOf(440))).toBe('A4')
  expect(noteName(midiOf(261.63))).toBe('C4')
  expect(noteName(midiOf(554.4))).toBe('C♯5')
  expect(noteName(midiOf(27.5))).toBe('A0')
  expect(noteName(midiOf(0))).toBe('')
})

test('Cents say how far a pitch is from its note', () => {
  expect(centsOff(midiOf(440 * 2 ** (12 / 1200)))).toBe(12)
  expect(centsOff(midiOf(440 * 2 ** (-31 / 1200)))).toBe(-31)
})

test('A name is read as the note that it names, with sharps and flats in both spellings', () => {
  expect(parseNote('C4')).toBe(60)
  expect(parseNote('F#3')).toBe(54)
  expect(parseNote('F♯3')).toBe(54)
  expect(parseNote('Bb3')).toBe(58)
  expect(parseNote('C-1')).toBe(0)
  for (const wrong of ['', 'H4', 'c4', 'C', 'C44', '4']) expect(parseNote(wrong)).toBeUndefined()
})

test('A name is spelled as it is read, whatever its case', () => {
  expect([' c4', 'bb3', 'B3', 'f#2', ''].map(spelled)).toEqual(['C4', 'Bb3', 'B3', 'F#2', ''])
})

test('An interval is written in octaves and semitones', () => {
  expect(interval(48, 67)).toEqual({ octaves: 1, semitones: 7 })
  expect(interval(60.4, 60.2)).toEqual({ octaves: 0, semitones: 0 })
})

test('The black keys are five of twelve', () => {
  expect([60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71].filter(isBlack)).toEqual([61, 63, 66, 68, 70])
})

test('A key is written with the tonic that musicians use', () => {
  expect(tonicName('A#', 'major')).toBe('B♭')
  expect(tonicName('G#', 'minor')).toBe('G♯')
  expect(tonicName('F#', 'major')).toBe('F♯')
})

test('A transposed key keeps its mode', () => {
  expect(transposeKey('G major', -2)).toEqual({ tonic: 'F', mode: 'major' })
  expect(transposeKey('F# minor', 1)).toEqual({ tonic: 'G', mode: 'minor' })
  expect(transposeKey('D major', -6)).toEqual({ tonic: 'A♭', mode: 'major' })
  expect(transposeKey('', 2)).toBeUndefined()
})
