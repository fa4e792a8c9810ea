import type { Schemas } from '../../api/client'

/** A failure that has words of its own; the others have those of their class. */
export const known = [
  'noAudio',
  'notAudio',
  'empty',
  'cutOff',
  'undecodable',
  'unaccepted',
  'tooLong',
  'oddRate',
  'analysis',
] as const

/** What a failure is called in the messages. */
export type Reason = (typeof known)[number] | 'input' | 'passing' | 'ours'

// The sentences are those of internal/media, which the API passes on in English only.
const sentences: [RegExp, (typeof known)[number]][] = [
  [/^The file has no audio\./, 'noAudio'],
  [/not audio of an accepted format|cannot be read as such/, 'notAudio'],
  [/^The (file|recording) is empty\./, 'empty'],
  [/is cut off, and no audio/, 'cutOff'],
  [/^The recording is longer than/, 'tooLong'],
  [/sample rate of|claims \d+ channels/, 'oddRate'],
  [/in a form that is not accepted|description is too long/, 'unaccepted'],
  [/could not be decoded|No audio could be read/, 'undecodable'],
  [/cannot analyze this recording|analysis of this recording failed|fails on this recording/, 'analysis'],
]

/** Which words a singer reads about a failure. */
export function reasonOf(failure: Schemas['Failure']): Reason {
  const found = sentences.find(([pattern]) => pattern.test(failure.message))
  if (found) return found[1]
  if (failure.class === 'input') return 'input'
  if (failure.class === 'model') return 'analysis'
  if (failure.class === 'internal') return 'ours'
  return 'passing'
}
