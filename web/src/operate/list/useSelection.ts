import { useState } from 'react'
import { everything, has, nothing, put, range, type Selection } from './selection'

type State = { selection: Selection; anchor: number; base: Selection; selected: boolean }

const empty: State = { selection: nothing, anchor: 0, base: nothing, selected: true }

/** What is selected of a list, by row and by range. A range that is drawn anew replaces the one before. */
export function useSelection(ids: readonly string[]) {
  const [{ selection }, set] = useState(empty)
  return {
    selection,
    has: (id: string) => has(selection, id),
    toggle: (place: number) =>
      set((before) => {
        const id = ids[place] ?? ''
        const selected = !has(before.selection, id)
        const next = put(before.selection, [id], selected)
        return { selection: next, base: next, anchor: place, selected }
      }),
    extend: (place: number) =>
      set((before) => ({ ...before, selection: range(before.base, ids, before.anchor, place, before.selected) })),
    all: () => set({ ...empty, selection: everything, base: everything }),
    none: () => set(empty),
  }
}
