import { expect, test } from 'vitest'
import english from '../../i18n/en/singer'
import korean from '../../i18n/ko/singer'
import { reasonOf } from './words'

const input = (message: string) => reasonOf({ stage: 'convert', class: 'input', message })

test('What the converter says of a file has words for a singer', () => {
  expect(input('The file has no audio.')).toBe('noAudio')
  expect(input('The file is not audio of an accepted format.')).toBe('notAudio')
  expect(input('The file looks like WAV but cannot be read as such.')).toBe('notAudio')
  expect(input('The file is empty.')).toBe('empty')
  expect(input('The recording is empty.')).toBe('empty')
  expect(input('The file is cut off, and no audio could be read from what is there.')).toBe('cutOff')
  expect(input("The file's audio could not be decoded.")).toBe('undecodable')
  expect(input('No audio could be read from the file.')).toBe('undecodable')
  expect(input("The file's audio is in a form that is not accepted.")).toBe('unaccepted')
  expect(input('The recording is longer than 1h0m0s, the longest that is accepted.')).toBe('tooLong')
  expect(input('The audio claims 900 channels; 1 to 64 are accepted.')).toBe('oddRate')
  expect(input('Something new.')).toBe('input')
})

test('What is not the fault of the file is said to be ours, or to have passed', () => {
  expect(reasonOf({ stage: 'analyze', class: 'model', message: 'The analysis took too long.' })).toBe('analysis')
  expect(reasonOf({ stage: 'convert', class: 'internal', message: 'x' })).toBe('ours')
  expect(reasonOf({ stage: 'publish', class: 'transient', message: 'This step took too long.' })).toBe('passing')
  expect(reasonOf({ stage: 'analyze', class: 'new-class' as 'input', message: 'x' })).toBe('passing')
})

test('Every reason has a title and advice in both languages', () => {
  for (const messages of [english, korean]) {
    for (const { title, text } of Object.values(messages.failure)) {
      expect(title.length).toBeGreaterThan(3)
      expect(text.length).toBeGreaterThan(5)
    }
  }
})
