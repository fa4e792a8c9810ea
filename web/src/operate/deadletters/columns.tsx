import { Link } from '@tanstack/react-router'
import type { TFunction } from 'i18next'
import { Badge } from '../../design/Badge'
import { Time } from '../../design/Time'
import type { GridColumn } from '../list/Grid'
import { useWords } from '../words'
import type { DeadLetter } from './api'
import styles from './LetterList.module.css'

/** The columns of the list of dead letters. */
export function columnsOf(t: TFunction<['letters', 'operate']>, tenants: boolean): GridColumn<DeadLetter>[] {
  const columns: GridColumn<DeadLetter>[] = [
    {
      key: 'name',
      head: t('column.upload'),
      width: 'minmax(10rem, 1.2fr)',
      cell: (row) => (
        <Link to="/operate/dead-letters/$id" params={{ id: row.id }} tabIndex={-1} className={styles.name}>
          {row.filename || row.id}
        </Link>
      ),
    },
    { key: 'failure', head: t('column.failure'), width: '11rem', cell: (row) => <Failure row={row} /> },
    {
      key: 'message',
      head: t('column.message'),
      width: 'minmax(10rem, 2.4fr)',
      wide: true,
      cell: (row) => <span title={row.failure.message}>{row.failure.message}</span>,
    },
    {
      key: 'cycle',
      head: t('column.cycle'),
      width: '4.5rem',
      numeric: true,
      wide: true,
      cell: (row) => row.cycle || '',
    },
    { key: 'at', head: t('column.failed'), width: '7rem', numeric: true, cell: (row) => <Time at={row.last_at} /> },
  ]
  if (!tenants) return columns
  const tenant: GridColumn<DeadLetter> = {
    key: 'tenant',
    head: t('column.tenant'),
    width: 'minmax(5rem, 9rem)',
    cell: (row) => row.tenant,
  }
  return [...columns.slice(0, 1), tenant, ...columns.slice(1)]
}

function Failure({ row }: { row: DeadLetter }) {
  const words = useWords()
  return (
    <Badge tone="bad">
      {words.stage(row.failure.stage)} · {words.class(row.failure.class)}
    </Badge>
  )
}
