/** Where a key moves the mark. */
export type Aim = 'down' | 'up' | 'pageDown' | 'pageUp' | 'first' | 'last'

const aims: Record<string, Aim> = {
  ArrowDown: 'down',
  j: 'down',
  J: 'down',
  ArrowUp: 'up',
  k: 'up',
  K: 'up',
  PageDown: 'pageDown',
  PageUp: 'pageUp',
  Home: 'first',
  End: 'last',
}

type Key = { key: string; ctrlKey: boolean; metaKey: boolean; altKey: boolean }

/** Where a key moves the mark; undefined for all others, and for the browser's own combinations. */
export function aimOf({ key, ctrlKey, metaKey, altKey }: Key): Aim | undefined {
  return ctrlKey || metaKey || altKey ? undefined : aims[key]
}

/** Whether a key is typed into something, and so no command. */
export function isTyped(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
}
