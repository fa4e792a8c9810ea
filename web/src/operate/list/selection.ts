/** What is selected: some rows, or all that match the filter but for some. */
export type Selection = { all: boolean; ids: ReadonlySet<string> }

/** Nothing is selected. */
export const nothing: Selection = { all: false, ids: new Set() }

/** All that match the filter are selected, those that are not loaded, too. */
export const everything: Selection = { all: true, ids: new Set() }

/** Whether a row is selected. */
export function has(selection: Selection, id: string): boolean {
  return selection.all !== selection.ids.has(id)
}

/** Whether nothing is selected. */
export function isEmpty(selection: Selection): boolean {
  return !selection.all && selection.ids.size === 0
}

/** Selects rows, or no longer. */
export function put(selection: Selection, ids: Iterable<string>, selected: boolean): Selection {
  const next = new Set(selection.ids)
  for (const id of ids) {
    if (selection.all === selected) next.delete(id)
    else next.add(id)
  }
  return { all: selection.all, ids: next }
}

/** Selects all rows between two, both included, as the first of them is selected. */
export function range(selection: Selection, ids: readonly string[], from: number, to: number, selected: boolean) {
  return put(selection, ids.slice(Math.min(from, to), Math.max(from, to) + 1), selected)
}

/** How many are selected, of as many as match. */
export function sizeOf(selection: Selection, matching: number): number {
  return selection.all ? Math.max(0, matching - selection.ids.size) : selection.ids.size
}
