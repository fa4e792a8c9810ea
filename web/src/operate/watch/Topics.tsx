import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '../../api/client'
import { Badge } from '../../design/Badge'
import { Copy } from '../../design/Copy'
import { Notice } from '../../design/Notice'
import { PageHead } from '../../design/PageHead'
import { Progress } from '../../design/Progress'
import { Loaded } from '../../design/State'
import { Table } from '../../design/Table'
import { useFormat } from '../../format/format'
import { useTitle } from '../../shell/title'
import { Fresh } from '../Fresh'
import { topicsQuery } from './api'
import { Figures } from './Figures'
import { Panel } from './Panel'
import styles from './watch.module.css'

type Topic = Schemas['Topic']

/** From here on, one partition has so much more than the others that its consumer may be the slow one. */
const uneven = 2

/** The topics: how much is written, whether it is spread evenly, and whether replicas are in sync. */
export function TopicsPage() {
  const { t } = useTranslation('watch')
  useTitle(t('topics.title'))
  const query = useQuery(topicsQuery)
  return (
    <>
      <PageHead title={t('topics.title')} lead={t('topics.lead')} actions={<Fresh query={query} />} />
      <Loaded query={query}>
        {(topics) => (
          <>
            {topics.window_seconds === 0 && <p className={styles.soft}>{t('topics.firstLook')}</p>}
            {topics.topics.map((topic) => (
              <TopicPanel key={topic.name} topic={topic} />
            ))}
          </>
        )}
      </Loaded>
    </>
  )
}

function TopicPanel({ topic }: { topic: Topic }) {
  const { t } = useTranslation('watch')
  const format = useFormat()
  if (topic.missing) return <Panel title={topic.name} state={<Badge tone="bad">{t('topics.missing')}</Badge>} />
  if (topic.error) {
    return (
      <Panel title={topic.name} state={<Badge tone="warn">{t('unknown')}</Badge>}>
        <p className={styles.cause}>{topic.error}</p>
      </Panel>
    )
  }
  const records = topic.partitions.reduce((total, { start, end }) => total + end - start, 0)
  const leaderless = topic.partitions.filter(({ leader }) => leader < 0).length
  return (
    <Panel
      title={topic.name}
      state={
        <>
          {leaderless > 0 && <Badge tone="bad">{t('topics.leaderless', { count: leaderless })}</Badge>}
          {topic.under_replicated > 0 && (
            <Badge tone="bad">{t('topics.underReplicated', { count: topic.under_replicated })}</Badge>
          )}
          {topic.imbalance !== null && topic.imbalance >= uneven && <Badge tone="warn">{t('topics.uneven')}</Badge>}
        </>
      }
    >
      {topic.risks?.map((risk) => (
        <RiskNotice key={risk.code} risk={risk} />
      ))}
      <Figures
        figures={[
          [t('topics.rate'), topic.per_second === null ? '–' : t('rate', { rate: topic.per_second })],
          [t('topics.imbalance'), topic.imbalance === null ? '–' : t('topics.times', { factor: topic.imbalance })],
          [t('topics.partitions'), format.number(topic.partitions.length)],
          [t('topics.records'), format.number(records)],
        ]}
      />
      <details className={styles.details} open={leaderless > 0 || topic.under_replicated > 0}>
        <summary>{t('lag.partitions', { count: topic.partitions.length })}</summary>
        <Partitions topic={topic} />
      </details>
    </Panel>
  )
}

const known = [
  'partitions',
  'cleanup-policy',
  'replicas',
  'min-insync-replicas',
  'unclean-leader-election',
  'retention',
] as const

/** What may lose records or stop uploads, with the command that changes it. */
function RiskNotice({ risk }: { risk: Schemas['TopicRisk'] }) {
  const { t } = useTranslation('watch')
  const code = known.find((k) => k === risk.code)
  return (
    <Notice tone="warn">
      <p>
        {code ? t(`topics.risk.${code}`) : `${risk.code}: ${risk.meaning}`}{' '}
        {t('topics.riskValues', { have: risk.have, want: risk.want })}
      </p>
      {risk.mend && (
        <p className={styles.mend}>
          <code>{risk.mend}</code> <Copy text={risk.mend} />
        </p>
      )}
    </Notice>
  )
}

function Partitions({ topic }: { topic: Topic }) {
  const { t } = useTranslation('watch')
  const format = useFormat()
  const most = Math.max(...topic.partitions.map(({ per_second }) => per_second ?? 0), 0.001)
  return (
    <Table
      label={t('lag.partitionsOf', { group: topic.name })}
      rows={topic.partitions}
      rowKey={({ partition }) => String(partition)}
      columns={[
        { key: 'partition', head: t('lag.partition'), names: true, cell: ({ partition }) => partition },
        {
          key: 'leader',
          head: t('topics.leader'),
          numeric: true,
          cell: ({ leader }) => (leader < 0 ? <strong className={styles.bad}>{t('topics.none')}</strong> : leader),
        },
        {
          key: 'replicas',
          head: t('topics.replicas'),
          numeric: true,
          cell: ({ in_sync, replicas }) => (
            <span className={in_sync < replicas ? styles.bad : undefined}>
              {t('topics.inSync', { in_sync, replicas })}
            </span>
          ),
        },
        { key: 'start', head: t('topics.start'), numeric: true, cell: ({ start }) => format.number(start) },
        { key: 'end', head: t('topics.end'), numeric: true, cell: ({ end }) => format.number(end) },
        {
          key: 'rate',
          head: t('topics.rate'),
          numeric: true,
          cell: ({ per_second, error }) => error ?? (per_second === null ? '–' : format.number(per_second)),
        },
        {
          key: 'bar',
          head: t('topics.share'),
          headHidden: true,
          cell: ({ partition, per_second }) => (
            <div className={styles.bar}>
              <Progress label={t('topics.rateOf', { partition })} value={per_second ?? 0} max={most} />
            </div>
          ),
        },
      ]}
    />
  )
}
