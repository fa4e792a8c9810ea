import type { ReactNode } from 'react'
import styles from './Table.module.css'

/** A column of a table. */
export type Column<R> = {
  key: string
  /** What stands in its head; it labels the value where the table is shown as cards. */
  head: string
  /** The head is only for screen readers, such as that of a column of buttons. */
  headHidden?: boolean
  cell: (row: R) => ReactNode
  /** Numbers stand at the end. */
  numeric?: boolean
  /** The cell names its row. */
  names?: boolean
}

type Props<R> = {
  /** What the table lists, for screen readers. */
  label: string
  columns: Column<R>[]
  rows: readonly R[]
  rowKey: (row: R) => string
  /** What stands in its place where there are no rows. */
  empty?: ReactNode
}

/** A dense table whose head stays in sight. On a phone each row is a card. Its roles are named since the cards' layout would take them away. */
export function Table<R>({ label, columns, rows, rowKey, empty }: Props<R>) {
  if (rows.length === 0 && empty) return <p className={styles.empty}>{empty}</p>
  return (
    <div className={styles.scroll}>
      <table className={styles.table} role="table" aria-label={label}>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((column) => (
              <th key={column.key} scope="col" role="columnheader" className={column.numeric ? styles.end : undefined}>
                {column.headHidden ? <span className="hidden-visually">{column.head}</span> : column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => (
            <tr key={rowKey(row)} role="row">
              {columns.map((column) => (
                <Cell key={column.key} column={column} row={row} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Cell<R>({ column, row }: { column: Column<R>; row: R }) {
  const content = column.cell(row)
  const classes = column.numeric ? styles.end : undefined
  const blank = content === null || content === undefined || content === ''
  const inner = blank ? null : <div className={styles.value}>{content}</div>
  if (column.names) {
    return (
      <th scope="row" role="rowheader" className={classes}>
        {inner}
      </th>
    )
  }
  return (
    <td role="cell" className={classes} data-label={column.headHidden ? undefined : column.head}>
      {inner}
    </td>
  )
}
