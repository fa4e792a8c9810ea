import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '../../api/client'
import { Badge } from '../../design/Badge'
import { buttonLink } from '../../design/Button'
import { PageHead } from '../../design/PageHead'
import { Loaded } from '../../design/State'
import { Table } from '../../design/Table'
import { Time } from '../../design/Time'
import { useFormat } from '../../format/format'
import { useTitle } from '../../shell/title'
import { Fresh } from '../Fresh'
import { sinksQuery } from './api'
import { Figures } from './Figures'
import { lagTone, useLagWords } from './Lag'
import { Panel } from './Panel'
import { Unread } from './Unread'
import styles from './watch.module.css'

type Sink = Schemas['Sink']

/** The consumers that write what happened elsewhere: the index, the lake, the webhooks. */
export function SinksPage() {
  const { t } = useTranslation('watch')
  useTitle(t('sinks.title'))
  const query = useQuery(sinksQuery)
  return (
    <>
      <PageHead title={t('sinks.title')} lead={t('sinks.lead')} actions={<Fresh query={query} />} />
      <Loaded query={query}>
        {(sinks) => (
          <>
            <Unread parts={sinks.unavailable} />
            {sinks.sinks.map((sink) => (
              <SinkPanel key={sink.name} sink={sink} />
            ))}
          </>
        )}
      </Loaded>
    </>
  )
}

const names = ['index', 'lake', 'webhooks'] as const

function SinkPanel({ sink }: { sink: Sink }) {
  const { t } = useTranslation('watch')
  const format = useFormat()
  const words = useLagWords()
  const known = names.find((name) => name === sink.name)
  const { lag } = sink
  return (
    <Panel
      title={known ? t(`sinks.name.${known}`) : sink.name}
      state={
        <>
          {sink.reachable === false && <Badge tone="bad">{t('sinks.unreachable')}</Badge>}
          {lag ? <Badge tone={lagTone(lag.status)}>{lag.status}</Badge> : <Badge tone="warn">{t('unknown')}</Badge>}
        </>
      }
      words={known && t(`sinks.means.${known}`)}
      aside={
        <Link to="/operate/lag" search={{ group: sink.group }} className={buttonLink('plain', true)}>
          {t('sinks.partitions')}
        </Link>
      }
    >
      {lag && !lag.error && (
        <Figures
          figures={[
            [t('lag.lag'), format.number(lag.lag)],
            [t('lag.oldest'), lag.seconds === null ? '–' : format.span(lag.seconds)],
            [
              t('lag.members'),
              lag.members > 0 ? format.number(lag.members) : <span className={styles.bad}>{t('lag.nobody')}</span>,
            ],
            [t('sinks.says'), words(lag.status)],
            [t('sinks.group'), sink.group],
          ]}
        />
      )}
      {lag?.error && <p className={styles.cause}>{lag.error}</p>}
      {sink.written.length > 0 && <Written tables={sink.written} />}
    </Panel>
  )
}

function Written({ tables }: { tables: Schemas['SinkTable'][] }) {
  const { t } = useTranslation('watch')
  const format = useFormat()
  return (
    <Table
      label={t('sinks.written')}
      rows={tables}
      rowKey={(table) => table.table}
      columns={[
        { key: 'table', head: t('sinks.table'), names: true, cell: (table) => table.table },
        { key: 'at', head: t('sinks.last'), cell: (table) => (table.at ? <Time at={table.at} /> : t('sinks.nothing')) },
        { key: 'size', head: t('sinks.size'), numeric: true, cell: (table) => table.size && format.size(table.size) },
        { key: 'files', head: t('sinks.files'), numeric: true, cell: (table) => format.number(table.files) },
        { key: 'object', head: t('sinks.object'), cell: (table) => table.object && <code>{table.object}</code> },
      ]}
    />
  )
}
