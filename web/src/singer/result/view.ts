/** The part of a recording that is shown, in seconds, as it stands in the address. Nothing: all of it. */
export type ViewSearch = { from?: number; to?: number }

/** Reads the part that is shown from an address; what makes no sense is left out. */
export function readView(search: Record<string, unknown>): ViewSearch {
  const from = Number(search.from)
  const to = Number(search.to)
  return Number.isFinite(from) && Number.isFinite(to) && from >= 0 && to > from ? { from, to } : {}
}
