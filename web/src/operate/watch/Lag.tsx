import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '../../api/client'
import { Badge } from '../../design/Badge'
import type { Tone } from '../../design/Notice'
import { PageHead } from '../../design/PageHead'
import { Loaded, State } from '../../design/State'
import { Table } from '../../design/Table'
import { useFormat } from '../../format/format'
import { useTitle } from '../../shell/title'
import { Fresh } from '../Fresh'
import { lagQuery } from './api'
import { Figures } from './Figures'
import { Panel } from './Panel'
import { Sparkline } from './Sparkline'
import { type Sample, withSample } from './samples'
import styles from './watch.module.css'

type Lag = Schemas['Lag']
type Group = Schemas['LagGroup']
type Partition = Schemas['LagPartition']

const route = getRouteApi('/operate/lag')

/** How far the consumer groups are behind, and whether they move. */
export function LagPage() {
  const { t } = useTranslation('watch')
  useTitle(t('lag.title'))
  const query = useQuery(lagQuery)
  const samples = useSamples(query.data)
  return (
    <>
      <PageHead title={t('lag.title')} lead={t('lag.lead')} actions={<Fresh query={query} />} />
      <Loaded query={query}>{(lag) => <Groups lag={lag} samples={samples} />}</Loaded>
    </>
  )
}

/** The lags of the groups since the page was opened. */
function useSamples(lag: Lag | undefined): ReadonlyMap<string, Sample[]> {
  const [samples, setSamples] = useState<ReadonlyMap<string, Sample[]>>(new Map())
  useEffect(() => {
    if (!lag) return
    const at = Date.parse(lag.at)
    setSamples(
      (before) =>
        new Map(
          lag.groups.map(
            ({ group, lag: value }) => [group, withSample(before.get(group) ?? [], { at, value })] as const,
          ),
        ),
    )
  }, [lag])
  return samples
}

function Groups({ lag, samples }: { lag: Lag; samples: ReadonlyMap<string, Sample[]> }) {
  const { t } = useTranslation('watch')
  const { group: marked } = route.useSearch()
  if (lag.groups.length === 0) return <State title={t('lag.emptyTitle')}>{t('lag.empty')}</State>
  return lag.groups.map((group) => (
    <GroupPanel
      key={group.group}
      group={group}
      samples={samples.get(group.group) ?? []}
      marked={group.group === marked}
    />
  ))
}

const tones: Record<string, Tone> = { OK: 'good', WARN: 'warn', UNKNOWN: 'plain' }
const statuses = ['OK', 'UNKNOWN', 'WARN', 'STALL', 'STOP', 'REWIND', 'ERROR'] as const

/** How good or bad a status is. */
export function lagTone(status: string): Tone {
  return tones[status] ?? 'bad'
}

/** What a status means. */
export function useLagWords() {
  const { t } = useTranslation('watch')
  return (status: string) => {
    const known = statuses.find((name) => name === status)
    return known ? t(`lag.status.${known}`) : status
  }
}

type GroupProps = { group: Group; samples: Sample[]; marked: boolean }

function GroupPanel({ group, samples, marked }: GroupProps) {
  const { t } = useTranslation('watch')
  const format = useFormat()
  const words = useLagWords()
  if (group.error) {
    return (
      <Panel
        title={group.group}
        marked={marked}
        state={<Badge tone="warn">{t('unknown')}</Badge>}
        words={t('lag.unreadable')}
      >
        <p className={styles.cause}>{group.error}</p>
      </Panel>
    )
  }
  const bad = lagTone(group.status) !== 'good'
  const written = sum(group.partitions, (partition) => partition.in_per_second)
  const handled = sum(group.partitions, (partition) => partition.out_per_second)
  return (
    <Panel
      title={group.group}
      marked={marked}
      state={<Badge tone={lagTone(group.status)}>{group.status}</Badge>}
      words={words(group.status)}
      aside={<Sparkline samples={samples} name={group.group} />}
    >
      <Figures
        figures={[
          [t('lag.lag'), format.number(group.lag)],
          [t('lag.oldest'), group.seconds === null ? '–' : format.span(group.seconds)],
          [
            t('lag.members'),
            group.members > 0 ? format.number(group.members) : <span className={styles.bad}>{t('lag.nobody')}</span>,
          ],
          [t('lag.in'), written === undefined ? undefined : t('rate', { rate: written })],
          [t('lag.out'), handled === undefined ? undefined : t('rate', { rate: handled })],
          [t('lag.utilization'), utilization(written, handled, format.percent)],
          [t('lag.state'), group.state],
        ]}
      />
      <details className={styles.details} open={bad || marked}>
        <summary>{t('lag.partitions', { count: group.partitions.length })}</summary>
        <Partitions group={group.group} partitions={group.partitions} />
      </details>
    </Panel>
  )
}

function sum(partitions: Partition[], of: (partition: Partition) => number | null): number | undefined {
  const known = partitions.map(of).filter((rate) => rate !== null)
  return known.length > 0 ? known.reduce((total, rate) => total + rate, 0) : undefined
}

/** How much of what is written is handled; more than all of it while a backlog shrinks. */
function utilization(written: number | undefined, handled: number | undefined, percent: (share: number) => string) {
  if (!written || handled === undefined) return undefined
  return percent(handled / written)
}

function Partitions({ group, partitions }: { group: string; partitions: Partition[] }) {
  const { t } = useTranslation('watch')
  const format = useFormat()
  const words = useLagWords()
  const rate = (value: number | null) => (value === null ? '–' : format.number(value))
  return (
    <Table
      label={t('lag.partitionsOf', { group })}
      rows={partitions}
      rowKey={(partition) => `${partition.topic} ${partition.partition}`}
      columns={[
        {
          key: 'partition',
          head: t('lag.partition'),
          names: true,
          cell: (partition) => `${partition.topic}/${partition.partition}`,
        },
        {
          key: 'status',
          head: t('lag.statusHead'),
          cell: (partition) => (
            <>
              <Badge tone={lagTone(partition.status)}>{partition.status}</Badge>{' '}
              {lagTone(partition.status) !== 'good' && <span className={styles.soft}>{words(partition.status)}</span>}
            </>
          ),
        },
        { key: 'lag', head: t('lag.lag'), numeric: true, cell: (partition) => format.number(partition.lag) },
        {
          key: 'oldest',
          head: t('lag.oldest'),
          numeric: true,
          cell: (partition) => (partition.seconds === null ? '–' : format.span(partition.seconds)),
        },
        { key: 'in', head: t('lag.in'), numeric: true, cell: (partition) => rate(partition.in_per_second) },
        { key: 'out', head: t('lag.out'), numeric: true, cell: (partition) => rate(partition.out_per_second) },
        {
          key: 'committed',
          head: t('lag.committed'),
          numeric: true,
          cell: (partition) => `${partition.committed ?? '–'} / ${partition.end}`,
        },
        {
          key: 'lost',
          head: t('lag.lost'),
          numeric: true,
          cell: (partition) =>
            partition.lost > 0 ? <strong className={styles.bad}>{format.number(partition.lost)}</strong> : '',
        },
      ]}
    />
  )
}
