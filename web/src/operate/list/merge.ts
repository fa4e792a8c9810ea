/** The rows of a list that are loaded, and what comes next. */
export type Rows<R> = { rows: R[]; next?: string }

type Keyed = { id: string }

/**
 * Brings the loaded rows in step with the first page as it is now: rows that the page does not have any more are
 * gone, new ones are added, and what was loaded behind it stays. The order of the server holds.
 */
export function merge<R extends Keyed>(loaded: Rows<R>, head: Rows<R>): Rows<R> {
  if (!head.next) return head
  const places = new Map(loaded.rows.map((row, place) => [row.id, place]))
  const last = head.rows.findLast((row) => places.has(row.id))
  // So many are new that the page does not reach what is loaded: begin anew.
  if (!last) return head
  const known = new Set(head.rows.map((row) => row.id))
  const behind = loaded.rows.slice((places.get(last.id) ?? 0) + 1).filter((row) => !known.has(row.id))
  // Without a row behind the page, its own next is the one to go on with.
  if (behind.length === 0) return head
  return { rows: [...head.rows, ...behind], next: loaded.next }
}

/** Adds a page behind the loaded rows; rows that are there already are not repeated. */
export function append<R extends Keyed>(loaded: Rows<R>, page: Rows<R>): Rows<R> {
  const known = new Set(loaded.rows.map((row) => row.id))
  return { rows: [...loaded.rows, ...page.rows.filter((row) => !known.has(row.id))], next: page.next }
}

/** How many rows of the page are not loaded. */
export function news<R extends Keyed>(loaded: Rows<R>, head: Rows<R>): number {
  const known = new Set(loaded.rows.map((row) => row.id))
  return head.rows.filter((row) => !known.has(row.id)).length
}

/** The loaded rows without those that the page says are gone, and without its new ones: nothing moves under a hand. */
export function prune<R extends Keyed>(loaded: Rows<R>, head: Rows<R>): Rows<R> {
  const known = new Set(loaded.rows.map((row) => row.id))
  const merged = merge(loaded, head)
  const rows = merged.rows.filter((row) => known.has(row.id))
  if (rows.length === 0 && loaded.rows.length > 0 && head.rows.length > 0) return loaded
  return { rows, next: merged.next }
}
