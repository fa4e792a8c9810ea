/** What stands behind the ? of an address, before it is checked. */
export type Given = Record<string, unknown>

/** A text of an address; undefined where there is none. Numbers stand there as such and are texts here. */
export function textOf(given: unknown): string | undefined {
  if (typeof given === 'number') return String(given)
  return typeof given === 'string' && given !== '' ? given : undefined
}

/** The words of an address that are separated by commas, each once, in their order; undefined where there are none. */
export function wordsOf(given: unknown): string[] | undefined {
  const texts = Array.isArray(given) ? given : [given]
  const words = texts.flatMap((text) => textOf(text)?.split(',') ?? []).filter(Boolean)
  return words.length > 0 ? [...new Set(words)] : undefined
}

/** One of the values, or undefined. */
export function oneOf<V extends string>(values: readonly V[], given: unknown): V | undefined {
  return values.find((value) => value === given)
}

/** Adds a word to those that are chosen, or removes it; undefined where none is left. */
export function toggled(words: string[] | undefined, word: string): string[] | undefined {
  const left = words?.filter((chosen) => chosen !== word) ?? []
  if (left.length === (words?.length ?? 0)) left.push(word)
  return left.length > 0 ? left : undefined
}

/** The same without what is not set, so that addresses stay short. */
export function compact<T extends object>(values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T
}
