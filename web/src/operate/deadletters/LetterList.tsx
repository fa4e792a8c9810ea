import { useNavigate } from '@tanstack/react-router'
import { type RefObject, useEffect, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '../../design/Button'
import { ProblemText } from '../../design/ProblemText'
import { Failed, Loading, State } from '../../design/State'
import { useFormat } from '../../format/format'
import { useSession } from '../../session/session'
import { useDeciding } from '../bulk/operation'
import { Grid } from '../list/Grid'
import { isEmpty, sizeOf } from '../list/selection'
import { usePages } from '../list/usePages'
import { useSelection } from '../list/useSelection'
import { type DeadLetter, type Decision, readPage } from './api'
import { columnsOf } from './columns'
import { type Filter, filters, queryOf } from './filter'
import styles from './LetterList.module.css'
import { ManyDialog } from './ManyDialog'

type Props = {
  filter: Filter
  /** How many match; undefined until they are counted. */
  total: number | undefined
  exact: boolean
  onClear: () => void
}

/** The dead letters that match, and what is done about those that are selected. */
export function LetterList({ filter, total, exact, onClear }: Props) {
  const still = useRef(false)
  const query = useMemo(() => queryOf(filter), [filter])
  const pages = usePages<DeadLetter>({
    queryKey: ['dead-letters', 'list', query],
    read: (token, signal) => readPage(query, token, signal),
    still,
  })
  const { rows } = pages
  if (!rows) {
    return pages.head.error ? <Failed error={pages.head.error} retry={() => pages.head.refetch()} /> : <Loading />
  }
  if (rows.length === 0 && !pages.open) return <Nothing filtered={filters(filter)} onClear={onClear} />
  return <Letters filter={filter} rows={rows} pages={pages} total={total} exact={exact} still={still} />
}

function Nothing({ filtered, onClear }: { filtered: boolean; onClear: () => void }) {
  const { t } = useTranslation('letters')
  if (!filtered) return <State title={t('list.emptyTitle')}>{t('list.empty')}</State>
  return (
    <State title={t('list.noneTitle')} action={<Button onClick={onClear}>{t('filter.clear')}</Button>}>
      {t('list.none')}
    </State>
  )
}

type LettersProps = {
  filter: Filter
  rows: DeadLetter[]
  pages: ReturnType<typeof usePages<DeadLetter>>
  total: number | undefined
  exact: boolean
  /** Set while rows must not be added. */
  still: RefObject<boolean>
}

function Letters({ filter, rows, pages, total, exact, still }: LettersProps) {
  const { t } = useTranslation(['letters', 'operate'])
  const format = useFormat()
  const navigate = useNavigate()
  const all = useSession()?.all_tenants ?? false
  const columns = useMemo(() => columnsOf(t, all), [t, all])
  const ids = useMemo(() => rows.map((row) => row.id), [rows])
  const selecting = useSelection(ids)
  const { selection } = selecting
  const [top, setTop] = useState(true)
  const [asked, setAsked] = useState<Decision['kind']>()
  const chosen = useMemo(
    () => (selection.all ? [] : rows.filter((row) => selection.ids.has(row.id))),
    [rows, selection],
  )
  const [single, setSingle] = useState<DeadLetter>()
  const count = selection.all ? sizeOf(selection, total ?? rows.length) : chosen.length
  useEffect(() => {
    still.current = !top || !isEmpty(selection)
  }, [still, top, selection])
  const deciding = useDeciding()

  function ask(kind: Decision['kind'], row?: DeadLetter) {
    if (deciding || (isEmpty(selection) && !row)) return
    setSingle(isEmpty(selection) ? row : undefined)
    setAsked(kind)
  }
  return (
    <div className={styles.list}>
      <div className={styles.bar}>
        {count > 0 ? (
          <>
            <strong className="numeric" role="status">
              {selection.all && selection.ids.size === 0
                ? t('list.allSelected', { count })
                : t('list.selected', { count })}
            </strong>
            <Button small kind="primary" disabled={deciding} onClick={() => ask('reprocess')}>
              {t('decide.reprocessMany')}
            </Button>
            <Button small kind="danger" disabled={deciding} onClick={() => ask('discard')}>
              {t('decide.discardMany')}
            </Button>
            <Button small kind="quiet" onClick={selecting.none}>
              {t('list.clearSelection')}
            </Button>
          </>
        ) : (
          <span className="numeric">
            {total === undefined
              ? t('list.loaded', { count: rows.length })
              : t(exact ? 'list.matches' : 'list.matchesAtLeast', { count: total })}
          </span>
        )}
        {!selection.all && (
          <Button small kind="quiet" onClick={selecting.all}>
            {total === undefined ? t('list.selectAll') : t('list.selectAllOf', { number: format.number(total) })}
          </Button>
        )}
        {pages.fresh > 0 && (
          <Button small onClick={pages.showFresh}>
            {t('list.fresh', { count: pages.fresh })}
          </Button>
        )}
      </div>
      <Grid
        label={t('title')}
        columns={columns}
        rows={rows}
        count={exact && total !== undefined ? total : pages.open ? -1 : rows.length}
        selecting={{
          ...selecting,
          label: (id) => (id ? t('list.select', { name: id }) : t('list.selection')),
        }}
        onOpen={(row) => void navigate({ to: '/operate/dead-letters/$id', params: { id: row.id } })}
        onEnd={pages.more}
        onTop={setTop}
        onKey={(event, row) => {
          if (event.ctrlKey || event.metaKey || event.altKey) return
          const kind = ({ r: 'reprocess', d: 'discard' } as const)[event.key]
          if (!kind) return
          event.preventDefault()
          ask(kind, row)
        }}
      >
        <End pages={pages} />
      </Grid>
      <Keys />
      {asked && (
        <ManyDialog
          kind={asked}
          filter={filter}
          letters={single ? [single] : selection.all ? { except: selection.ids } : chosen}
          onClose={() => setAsked(undefined)}
          onBegun={() => {
            setAsked(undefined)
            selecting.none()
          }}
        />
      )}
    </div>
  )
}

function End({ pages }: { pages: ReturnType<typeof usePages<DeadLetter>> }) {
  const { t } = useTranslation('letters')
  if (pages.moreError) {
    return (
      <span role="alert">
        <ProblemText error={pages.moreError} />{' '}
        <Button small onClick={pages.more}>
          {t('list.retry')}
        </Button>
      </span>
    )
  }
  return <span>{pages.open ? t('list.loading') : t('list.end')}</span>
}

function Keys() {
  const { t } = useTranslation('letters')
  const keys = [
    ['↑ ↓', t('keys.move')],
    ['Space', t('keys.select')],
    ['Shift ↑ ↓', t('keys.range')],
    ['Ctrl A', t('keys.all')],
    ['Enter', t('keys.open')],
    ['R', t('keys.reprocess')],
    ['D', t('keys.discard')],
    ['/', t('keys.search')],
  ]
  return (
    <ul className={styles.keys} aria-label={t('keys.label')}>
      {keys.map(([key, does]) => (
        <li key={key}>
          <kbd>{key}</kbd> {does}
        </li>
      ))}
    </ul>
  )
}
