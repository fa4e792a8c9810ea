import { useTranslation } from 'react-i18next'
import type { Schemas } from '../../api/client'
import { Notice, type Tone } from '../../design/Notice'
import { useFormat } from '../../format/format'
import { type Moment, Timeline } from '../Timeline'
import { useWords } from '../words'
import type { History } from './api'
import styles from './HistoryTimeline.module.css'

type Entry = Schemas['HistoryEntry']

const kinds = ['started', 'parked', 'workflow_task_failed', 'cancel_requested'] as const
const outcomes = ['waiting', 'running', 'completed', 'failed', 'timed_out', 'canceled'] as const

/** What happened to an upload: attempts, decisions, events. */
export function HistoryTimeline({ history }: { history: History }) {
  const { t } = useTranslation('inspect')
  const words = useWords()
  const format = useFormat()

  function title(entry: Entry): string {
    if (entry.kind === 'attempt') {
      return t('entry.attempt', {
        stage: entry.stage ? words.stage(entry.stage) : entry.name,
        attempt: entry.attempt ?? 1,
      })
    }
    if (entry.kind === 'event') return t('entry.event', { name: entry.name })
    if (entry.kind === 'signal') return t('entry.signal', { name: entry.name })
    if (entry.kind === 'decision') return t('entry.decision', { name: entry.name })
    if (entry.kind === 'ended') return t('entry.ended', { outcome: entry.outcome })
    const known = kinds.find((kind) => kind === entry.kind)
    return known ? t(`entry.${known}`) : entry.kind
  }
  function badge(entry: Entry): string | undefined {
    if (entry.kind !== 'attempt') return undefined
    const outcome = outcomes.find((name) => name === entry.outcome)
    const said = outcome ? t(`outcome.${outcome}`) : entry.outcome
    return entry.class ? `${said} · ${words.class(entry.class)}` : said
  }
  function details(entry: Entry): (string | undefined)[] {
    const took = entry.ended_at ? (Date.parse(entry.ended_at) - Date.parse(entry.at)) / 1000 : undefined
    const options = Object.entries(entry.options ?? {}).map(([name, value]) => `${name} = ${value}`)
    return [
      took !== undefined && took > 0 ? t('entry.took', { span: format.span(took) }) : undefined,
      entry.wait_seconds ? t('entry.waited', { span: format.span(entry.wait_seconds) }) : undefined,
      entry.queue,
      entry.worker,
      ...options,
    ]
  }
  const moments = history.entries.map((entry, place): Moment => {
    const facts = details(entry)
    return {
      key: `${entry.run_id} ${entry.event_id ?? place} ${entry.kind}`,
      at: entry.at,
      title: title(entry),
      tone: toneOf(entry),
      badge: badge(entry),
      text: entry.message ?? entry.reason,
      by: entry.by,
      details: facts.some(Boolean) ? facts : undefined,
    }
  })
  return (
    <div className={styles.history}>
      {history.truncated && <Notice>{t('upload.truncated')}</Notice>}
      <Timeline moments={moments} />
    </div>
  )
}

function toneOf({ kind, outcome }: Entry): Tone {
  if (outcome === 'failed' || outcome === 'timed_out' || kind === 'workflow_task_failed') return 'bad'
  if (kind === 'parked' || kind === 'cancel_requested') return 'warn'
  if (outcome === 'completed') return 'good'
  return 'plain'
}
