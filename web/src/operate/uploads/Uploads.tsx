import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import type { TFunction } from 'i18next'
import { useEffect, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Badge } from '../../design/Badge'
import { Button } from '../../design/Button'
import { PageHead } from '../../design/PageHead'
import { ProblemText } from '../../design/ProblemText'
import { Failed, Loading, State } from '../../design/State'
import { Time } from '../../design/Time'
import { useFormat } from '../../format/format'
import { Permitted } from '../../shell/Permitted'
import { useTitle } from '../../shell/title'
import { Fresh } from '../Fresh'
import { Grid, type GridColumn } from '../list/Grid'
import { usePages } from '../list/usePages'
import { useWords } from '../words'
import { type Listed, readPage } from './api'
import { Filters } from './Filters'
import { type Filter, queryOf } from './filter'
import { toneOf } from './status'
import styles from './Uploads.module.css'

const route = getRouteApi('/operate/uploads')

/** All uploads of a tenant, with filters that stand in the address. */
export function Uploads() {
  return (
    <Permitted scope="read">
      <Found />
    </Permitted>
  )
}

function Found() {
  const { t } = useTranslation('inspect')
  useTitle(t('title'))
  const filter = route.useSearch()
  const navigate = route.useNavigate()
  function choose(next: Filter) {
    void navigate({ search: next, replace: true })
  }
  return (
    <>
      <PageHead title={t('title')} lead={t('lead')} />
      <Filters filter={filter} onChoose={choose} />
      <List key={JSON.stringify(filter)} filter={filter} onClear={() => choose({ tenant: filter.tenant })} />
    </>
  )
}

function List({ filter, onClear }: { filter: Filter; onClear: () => void }) {
  const { t } = useTranslation('inspect')
  const still = useRef(false)
  const pages = usePages<Listed>({
    queryKey: ['uploads', 'operate', filter],
    read: (token, signal) => readPage(filter, token, signal),
    still,
  })
  const { rows } = pages
  if (!rows) {
    return pages.head.error ? <Failed error={pages.head.error} retry={() => pages.head.refetch()} /> : <Loading />
  }
  if (rows.length === 0 && !pages.open) {
    if (Object.keys(queryOf(filter)).length === 0) return <State title={t('list.emptyTitle')}>{t('list.empty')}</State>
    return (
      <State title={t('list.noneTitle')} action={<Button onClick={onClear}>{t('filter.clear')}</Button>}>
        {t('list.none')}
      </State>
    )
  }
  return <Rows rows={rows} pages={pages} still={still} />
}

type RowsProps = {
  rows: Listed[]
  pages: ReturnType<typeof usePages<Listed>>
  still: React.RefObject<boolean>
}

function Rows({ rows, pages, still }: RowsProps) {
  const { t } = useTranslation('inspect')
  const navigate = useNavigate()
  const columns = useMemo(() => columnsOf(t), [t])
  const [top, setTop] = useState(true)
  useEffect(() => {
    still.current = !top
  }, [still, top])
  return (
    <div className={styles.list}>
      <div className={styles.bar}>
        <span className="numeric">{t('list.loaded', { count: rows.length })}</span>
        {pages.fresh > 0 && (
          <Button small onClick={pages.showFresh}>
            {t('list.fresh', { count: pages.fresh })}
          </Button>
        )}
        <span className={styles.fresh}>
          <Fresh query={pages.head} />
        </span>
      </div>
      <Grid
        label={t('title')}
        columns={columns}
        rows={rows}
        count={pages.open ? -1 : rows.length}
        onOpen={(row) => void navigate({ to: '/operate/uploads/$id', params: { id: row.id } })}
        onEnd={pages.more}
        onTop={setTop}
      >
        {pages.moreError ? (
          <span role="alert">
            <ProblemText error={pages.moreError} />{' '}
            <Button small onClick={pages.more}>
              {t('list.retry')}
            </Button>
          </span>
        ) : (
          <span>{t(pages.open ? 'list.loading' : 'list.end')}</span>
        )}
      </Grid>
    </div>
  )
}

function columnsOf(t: TFunction<'inspect'>): GridColumn<Listed>[] {
  return [
    {
      key: 'name',
      head: t('column.upload'),
      width: 'minmax(10rem, 2fr)',
      cell: (row) => (
        <Link to="/operate/uploads/$id" params={{ id: row.id }} tabIndex={-1} className={styles.name}>
          {row.filename || row.id}
        </Link>
      ),
    },
    { key: 'status', head: t('column.status'), width: '8rem', cell: (row) => <Status status={row.status} /> },
    { key: 'owner', head: t('column.owner'), width: 'minmax(6rem, 1fr)', wide: true, cell: (row) => row.owner },
    { key: 'kind', head: t('column.kind'), width: '5rem', wide: true, cell: (row) => t(`kind.${row.kind}`) },
    {
      key: 'size',
      head: t('column.size'),
      width: '6rem',
      numeric: true,
      wide: true,
      cell: (row) => <Size bytes={row.size} />,
    },
    {
      key: 'at',
      head: t('column.received'),
      width: '7rem',
      numeric: true,
      cell: (row) => <Time at={row.created_at} />,
    },
  ]
}

function Status({ status }: { status: string }) {
  const words = useWords()
  return <Badge tone={toneOf(status)}>{words.status(status)}</Badge>
}

function Size({ bytes }: { bytes: number | undefined }) {
  const format = useFormat()
  return bytes === undefined ? null : format.size(bytes)
}
