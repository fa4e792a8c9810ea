/** What lives longer than a page and belongs to the person who is logged in, such as recordings that are being sent. */
export type Belonging = {
  /** Whether something would be lost by logging out now. */
  atRisk?: () => boolean
  /** Ends and forgets it, since somebody else may be next. */
  drop: () => void
  /** Goes on after the same person has logged in again. */
  resume?: () => void
}

const belongings = new Set<Belonging>()

/** Registers a part that outlives the pages; parts that are loaded later register themselves. */
export function belongsToLogin(belonging: Belonging) {
  belongings.add(belonging)
}

/** Whether logging out now would lose something. */
export function anythingAtRisk(): boolean {
  return [...belongings].some((belonging) => belonging.atRisk?.())
}

/** Ends and forgets everything that belongs to the one who was logged in. */
export function dropBelongings() {
  for (const belonging of belongings) belonging.drop()
}

/** Goes on with what waited for a login. */
export function resumeBelongings() {
  for (const belonging of belongings) belonging.resume?.()
}

let carried = false

/** Says whether all that is at risk was stored for the next page of this tab, so that leaving loses nothing. */
export function carry(everything: boolean) {
  carried = everything
}

/** Whether leaving the page loses nothing. */
export function isCarried(): boolean {
  return carried
}
