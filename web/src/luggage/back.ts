import { luggage } from '../session/left'
import { isKept, keep } from '../singer/record/studio'
import { sendings } from '../singer/send/sendings'
import { ofThisPage, pickUp, putDown, throwAway } from './luggage'

/** Why a tab that is back has not got what it left: it is of another login, could not be read, or is there no more. */
export type Missing = 'others' | 'failed' | 'gone'

let missing: Missing | undefined
const listeners = new Set<() => void>()

export const missingNow = () => missing

export function subscribe(listener: () => void) {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

let turn: Promise<void> = Promise.resolve()

/** Gives a tab that is back what it left: the take to send, and the files that go on being sent. Nobody else gets it. */
export function unpack(holder: string): Promise<void> {
  turn = turn.then(async () => {
    const id = sessionStorage.getItem(luggage)
    if (!id) return
    missing = await unpacked(id, holder).catch(() => 'failed' as const)
    if (!missing || missing === 'gone') sessionStorage.removeItem(luggage)
    for (const listener of listeners) listener()
  })
  return turn
}

async function unpacked(id: string, holder: string): Promise<Missing | undefined> {
  // The trip to the provider was cancelled: everything is in the page.
  if (ofThisPage.has(id)) {
    await throwAway(id, Date.now())
    return undefined
  }
  if (isKept()) return 'failed'
  const left = await pickUp(id, holder, Date.now())
  if (left === 'others') return left
  if (!left) return 'gone'
  sendings.put(left.sendings)
  if (!left.take) return undefined
  if (isKept()) {
    await putDown({ ...left, sendings: [] })
    return 'failed'
  }
  keep({ take: left.take })
  return undefined
}
