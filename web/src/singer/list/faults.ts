import { parseNote, spelled } from '../notes/notes'

/** What is wrong with a text that is typed for a filter: it is no note, or no number. */
export type Fault = 'note' | 'number'

/** Says what is wrong with a note that is typed; nothing for an empty text. */
export function faultOfNote(text: string): Fault | undefined {
  return text.trim() && parseNote(spelled(text)) === undefined ? 'note' : undefined
}

/** Says what is wrong with a number that is typed; nothing for an empty text. */
export function faultOfNumber(text: string): Fault | undefined {
  return text.trim() && !(numberOf(text) >= 0 && Number.isFinite(numberOf(text))) ? 'number' : undefined
}

/** The number that is typed, with a point or a comma; NaN if it is none. */
export function numberOf(text: string): number {
  return Number(text.trim().replace(',', '.'))
}
