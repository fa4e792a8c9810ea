import { useVirtualizer } from '@tanstack/react-virtual'
import {
  type KeyboardEvent,
  type ReactNode,
  useCallback,
  useEffect,
  useId,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react'
import styles from './Grid.module.css'
import { type Aim, aimOf } from './keys'

/** A column of a grid. */
export type GridColumn<R> = {
  key: string
  head: string
  /** Its width as in grid-template-columns. */
  width: string
  cell: (row: R) => ReactNode
  numeric?: boolean
  /** Left out on a phone. */
  wide?: boolean
}

/** What a person does with the rows beyond looking at them. */
export type Selecting = {
  has: (id: string) => boolean
  /** Selects a row, or no longer. */
  toggle: (place: number) => void
  /** Selects all rows between the last one that was toggled and this one. */
  extend: (place: number) => void
  all: () => void
  none: () => void
  label: (id: string) => string
}

type Props<R> = {
  label: string
  columns: GridColumn<R>[]
  rows: readonly R[]
  /** How many rows there are in all; -1 where nobody knows. */
  count: number
  selecting?: Selecting
  onOpen: (row: R) => void
  /** The end of the rows comes into sight. */
  onEnd: () => void
  /** Whether the first row is in sight and nothing is marked by keyboard. */
  onTop: (top: boolean) => void
  /** Keys that the grid does not know, with the row that is marked. */
  onKey?: (event: KeyboardEvent, row: R | undefined) => void
  /** What stands behind the last row. */
  children?: ReactNode
}

const narrow = '(max-width: 48rem)'

function useNarrow(): boolean {
  return useSyncExternalStore(
    (changed) => {
      const media = matchMedia(narrow)
      media.addEventListener('change', changed)
      return () => media.removeEventListener('change', changed)
    },
    () => matchMedia(narrow).matches,
  )
}

/** The heights of a row and of the head above the rows, which grow with the text of the page, in pixels. */
function useHeights(small: boolean) {
  return useMemo(() => {
    const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize)
    return small ? { height: 5.25 * rem, above: 0 } : { height: 2.5 * rem, above: 2.25 * rem }
  }, [small])
}

/**
 * A list of any length of which only what is in sight is in the page. The grid itself has the focus, and the arrow
 * keys mark a row.
 */
export function Grid<R extends { id: string }>(props: Props<R>) {
  const { label, columns, rows, count, selecting, onOpen, onEnd, onTop, onKey, children } = props
  const id = useId()
  const scroll = useRef<HTMLDivElement>(null)
  const [marked, setMarked] = useState<string>()
  const small = useNarrow()
  const { height, above } = useHeights(small)
  // Functions that are new each time would make it measure all rows each time.
  const estimateSize = useCallback(() => height, [height])
  const getItemKey = useCallback((place: number) => rows[place]?.id ?? place, [rows])
  const getScrollElement = useCallback(() => scroll.current, [])
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement,
    estimateSize,
    getItemKey,
    overscan: 12,
    paddingStart: above,
    scrollPaddingStart: above,
  })
  useEffect(() => virtual.measure(), [height])
  const items = virtual.getVirtualItems()
  const last = items.at(-1)?.index ?? -1
  useEffect(() => {
    if (last >= rows.length - 40) onEnd()
  }, [last, rows.length])
  const place = useMemo(() => (marked === undefined ? -1 : rows.findIndex((row) => row.id === marked)), [rows, marked])
  const top = (virtual.scrollOffset ?? 0) < height && place <= 0
  useEffect(() => onTop(top), [top])

  function mark(next: number) {
    const bounded = Math.max(0, Math.min(rows.length - 1, next))
    setMarked(rows[bounded]?.id)
    virtual.scrollToIndex(bounded)
    return bounded
  }
  function page(): number {
    return Math.max(1, Math.floor((scroll.current?.clientHeight ?? height) / height) - 2)
  }
  const moves: Record<Aim, () => number> = {
    down: () => place + 1,
    up: () => Math.max(0, place - 1),
    pageDown: () => place + page(),
    pageUp: () => place - page(),
    first: () => 0,
    last: () => rows.length - 1,
  }
  function press(event: KeyboardEvent<HTMLDivElement>) {
    const aim = aimOf(event)
    if (aim) {
      event.preventDefault()
      if (event.shiftKey && selecting && place >= 0 && !selecting.has(rows[place]?.id ?? '')) selecting.toggle(place)
      const next = mark(moves[aim]())
      if (event.shiftKey) selecting?.extend(next)
      return
    }
    const row = rows[place]
    if (event.key === 'Enter' && row && event.target === event.currentTarget) return onOpen(row)
    if (event.key === ' ' && selecting && row) {
      event.preventDefault()
      return event.shiftKey ? selecting.extend(place) : selecting.toggle(place)
    }
    if (event.key === 'a' && (event.ctrlKey || event.metaKey) && selecting) {
      event.preventDefault()
      return selecting.all()
    }
    if (event.key === 'Escape' && selecting) return selecting.none()
    onKey?.(event, row)
  }
  const shown = columns.filter((column) => !small || !column.wide)
  const template = `${selecting ? '2.25rem ' : ''}${columns.map((column) => column.width).join(' ')}`
  const layout = small ? undefined : { gridTemplateColumns: template }
  return (
    <div
      ref={scroll}
      className={styles.scroll}
      role="grid"
      aria-label={label}
      aria-rowcount={count < 0 ? -1 : count + 1}
      aria-multiselectable={selecting ? true : undefined}
      aria-activedescendant={place >= 0 ? `${id}-${marked}` : undefined}
      tabIndex={0}
      onKeyDown={press}
    >
      <div role="rowgroup" className={styles.head}>
        <div role="row" aria-rowindex={1} className={styles.row} style={layout}>
          {selecting && (
            <div role="columnheader" className={styles.check}>
              <span className="hidden-visually">{selecting.label('')}</span>
            </div>
          )}
          {shown.map((column) => (
            <div key={column.key} role="columnheader" className={column.numeric ? styles.end : undefined}>
              {column.head}
            </div>
          ))}
        </div>
      </div>
      <div role="rowgroup" className={styles.body} style={{ height: virtual.getTotalSize() - above }}>
        {items.map((item) => {
          const row = rows[item.index]
          if (!row) return null
          const selected = selecting?.has(row.id)
          return (
            <div
              key={item.key}
              id={`${id}-${row.id}`}
              role="row"
              aria-rowindex={item.index + 2}
              aria-selected={selecting ? selected : undefined}
              className={styles.row}
              data-marked={row.id === marked || undefined}
              data-selected={selected || undefined}
              style={{
                ...layout,
                height,
                transform: `translateY(${item.start - above}px)`,
              }}
              onPointerDown={(event) => event.button === 0 && setMarked(row.id)}
              onClick={(event) => {
                if (event.shiftKey) selecting?.extend(item.index)
                else if (event.ctrlKey || event.metaKey) selecting?.toggle(item.index)
              }}
              onDoubleClick={() => onOpen(row)}
            >
              {selecting && (
                <div role="gridcell" className={styles.check}>
                  <input
                    type="checkbox"
                    tabIndex={-1}
                    aria-label={selecting.label(row.id)}
                    checked={selected}
                    onChange={() => {}}
                    onClick={(event) => {
                      event.stopPropagation()
                      if (event.shiftKey) selecting.extend(item.index)
                      else selecting.toggle(item.index)
                    }}
                  />
                </div>
              )}
              {shown.map((column) => (
                <div key={column.key} role="gridcell" className={column.numeric ? styles.end : styles.cell}>
                  {column.cell(row)}
                </div>
              ))}
            </div>
          )
        })}
      </div>
      {children && <div className={styles.foot}>{children}</div>}
    </div>
  )
}
