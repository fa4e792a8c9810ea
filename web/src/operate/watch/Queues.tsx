import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '../../api/client'
import { Badge } from '../../design/Badge'
import { PageHead } from '../../design/PageHead'
import { Progress } from '../../design/Progress'
import { Loaded } from '../../design/State'
import { Table } from '../../design/Table'
import { Time } from '../../design/Time'
import { useFormat } from '../../format/format'
import { useTitle } from '../../shell/title'
import { Fresh } from '../Fresh'
import { useWords } from '../words'
import { queuesQuery } from './api'
import { Figures } from './Figures'
import { Panel } from './Panel'
import { Unread } from './Unread'
import styles from './watch.module.css'

type Queues = Schemas['Queues']
type Queue = Schemas['Queue']
type Slots = Schemas['Slots']

/** The queue that is scarce comes first. */
const scarce = 'orak-gpu'

/** What waits for workers, and what works. */
export function QueuesPage() {
  const { t } = useTranslation('watch')
  useTitle(t('queues.title'))
  const query = useQuery(queuesQuery)
  return (
    <>
      <PageHead title={t('queues.title')} lead={t('queues.lead')} actions={<Fresh query={query} />} />
      <Loaded query={query}>{(queues) => <All queues={queues} />}</Loaded>
    </>
  )
}

function All({ queues }: { queues: Queues }) {
  const { t } = useTranslation('watch')
  const sorted = [...queues.queues].sort((a, b) => Number(b.name === scarce) - Number(a.name === scarce))
  return (
    <>
      <Unread parts={queues.unavailable} />
      {sorted.map((queue) => (
        <QueuePanel key={`${queue.name} ${queue.tasks}`} queue={queue} />
      ))}
      <h2>{t('queues.running')}</h2>
      <p className={styles.soft}>{t(queues.running_exact ? 'queues.runningMeans' : 'queues.runningMore')}</p>
      <Running running={queues.running} />
      <h2>{t('queues.workers')}</h2>
      <Workers workers={queues.workers} />
    </>
  )
}

function QueuePanel({ queue }: { queue: Queue }) {
  const { t } = useTranslation('watch')
  const format = useFormat()
  const tasks = queue.tasks === 'activity' ? t('queues.activity') : t('queues.workflow')
  if (queue.unavailable)
    return <Panel title={queue.name} state={<Badge tone="warn">{t('unknown')}</Badge>} words={t('queues.unreadable')} />
  const idle = queue.backlog > 0 && queue.pollers.length === 0
  return (
    <Panel
      title={queue.name}
      state={
        <>
          <Badge>{tasks}</Badge>
          {idle && <Badge tone="bad">{t('queues.nobody')}</Badge>}
        </>
      }
      aside={queue.slots && queue.slots.used + queue.slots.free !== 0 && <SlotBar slots={queue.slots} />}
    >
      <Figures
        figures={[
          [t('queues.backlog'), format.number(queue.backlog)],
          [t('queues.oldest'), queue.backlog > 0 ? format.span(queue.backlog_seconds) : '–'],
          [t('queues.added'), t('rate', { rate: queue.added_per_second })],
          [t('queues.dispatched'), t('rate', { rate: queue.dispatched_per_second })],
          [t('queues.pollers'), format.number(queue.pollers.length)],
        ]}
      />
      {queue.lanes.some((lane) => lane.backlog > 0) && <Lanes lanes={queue.lanes} most={queue.backlog} />}
      {queue.pollers.length > 0 && (
        <details className={styles.details}>
          <summary>{t('queues.pollers')}</summary>
          <Table
            label={t('queues.pollers')}
            rows={queue.pollers}
            rowKey={(poller) => poller.identity}
            columns={[
              { key: 'identity', head: t('worker.identity'), names: true, cell: (poller) => poller.identity },
              { key: 'version', head: t('worker.version'), cell: (poller) => poller.version },
              { key: 'seen', head: t('worker.seen'), cell: (poller) => <Time at={poller.seen_at} /> },
            ]}
          />
        </details>
      )}
    </Panel>
  )
}

function SlotBar({ slots }: { slots: Slots }) {
  const { t } = useTranslation('watch')
  const total = slots.used + Math.max(0, slots.free)
  const text = slots.free < 0 ? t('slots.used', { used: slots.used }) : t('slots.of', { used: slots.used, total })
  return (
    <div className={styles.slots}>
      <span className="numeric">{text}</span>
      {slots.free >= 0 && (
        <Progress
          label={t('slots.label')}
          value={slots.used}
          max={Math.max(1, total)}
          text={text}
          tone={slots.free === 0 && total > 0 ? 'warn' : 'plain'}
        />
      )}
    </div>
  )
}

const lanes = ['realtime', 'standard', 'reprocessed', 'backfill'] as const

function Lanes({ lanes: backlog, most }: { lanes: Schemas['QueueLane'][]; most: number }) {
  const { t } = useTranslation('watch')
  const format = useFormat()
  function name(lane: Schemas['QueueLane']): string {
    const known = lanes.find((word) => word === lane.lane)
    return known ? t(`lane.${known}`) : t('lane.other', { priority: lane.priority })
  }
  return (
    <Table
      label={t('queues.lanes')}
      rows={backlog}
      rowKey={(lane) => String(lane.priority)}
      columns={[
        { key: 'lane', head: t('queues.lane'), names: true, cell: name },
        { key: 'backlog', head: t('queues.backlog'), numeric: true, cell: (lane) => format.number(lane.backlog) },
        {
          key: 'bar',
          head: t('queues.share'),
          headHidden: true,
          cell: (lane) => (
            <div className={styles.bar}>
              <Progress label={name(lane)} value={lane.backlog} max={Math.max(1, most)} />
            </div>
          ),
        },
        {
          key: 'oldest',
          head: t('queues.oldest'),
          numeric: true,
          cell: (lane) => (lane.backlog > 0 ? format.span(lane.backlog_seconds) : '–'),
        },
      ]}
    />
  )
}

function Running({ running }: { running: Schemas['RunningUploads'][] }) {
  const { t } = useTranslation('watch')
  const words = useWords()
  const format = useFormat()
  return (
    <Table
      label={t('queues.running')}
      empty={t('queues.noneRunning')}
      rows={running}
      rowKey={(row) => `${row.tenant} ${row.status}`}
      columns={[
        { key: 'tenant', head: t('queues.tenant'), names: true, cell: (row) => row.tenant },
        { key: 'status', head: t('queues.status'), cell: (row) => words.status(row.status) },
        { key: 'count', head: t('queues.uploads'), numeric: true, cell: (row) => format.number(row.count) },
      ]}
    />
  )
}

function Workers({ workers }: { workers: Schemas['QueueWorker'][] }) {
  const { t } = useTranslation('watch')
  const format = useFormat()
  function places(slots: Slots | undefined): string {
    if (!slots) return ''
    return slots.free < 0 ? String(slots.used) : `${slots.used} / ${slots.used + slots.free}`
  }
  return (
    <Table
      label={t('queues.workers')}
      empty={t('queues.noWorkers')}
      rows={workers}
      rowKey={(worker) => `${worker.identity} ${worker.queue}`}
      columns={[
        { key: 'identity', head: t('worker.identity'), names: true, cell: (worker) => worker.identity },
        { key: 'queue', head: t('worker.queue'), cell: (worker) => worker.queue },
        {
          key: 'status',
          head: t('worker.status'),
          cell: (worker) => (
            <Badge tone={worker.status === 'running' ? 'good' : 'warn'}>
              {t(worker.status === 'running' ? 'worker.running' : 'worker.stopping')}
            </Badge>
          ),
        },
        { key: 'activities', head: t('worker.activities'), numeric: true, cell: (worker) => places(worker.activities) },
        { key: 'done', head: t('worker.processed'), numeric: true, cell: (worker) => format.number(worker.processed) },
        { key: 'failed', head: t('worker.failed'), numeric: true, cell: (worker) => format.number(worker.failed) },
        { key: 'cpu', head: t('worker.cpu'), numeric: true, cell: (worker) => format.percent(worker.cpu) },
        { key: 'memory', head: t('worker.memory'), numeric: true, cell: (worker) => format.percent(worker.memory) },
        { key: 'seen', head: t('worker.seen'), numeric: true, cell: (worker) => <Time at={worker.seen_at} /> },
      ]}
    />
  )
}
