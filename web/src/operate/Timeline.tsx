import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Badge } from '../design/Badge'
import type { Tone } from '../design/Notice'
import { Time } from '../design/Time'
import { useFormat } from '../format/format'
import styles from './Timeline.module.css'

/** One thing that happened. */
export type Moment = {
  key: string
  at: string
  title: string
  tone?: Tone
  badge?: string
  /** The failure's message, or why somebody decided. */
  text?: string
  by?: string
  /** Smaller facts, such as the worker. */
  details?: (string | undefined)[]
  children?: ReactNode
}

/** What happened, one after another. */
export function Timeline({ moments }: { moments: Moment[] }) {
  const { t } = useTranslation('operate')
  const format = useFormat()
  if (moments.length === 0) return <p className={styles.none}>{t('timeline.empty')}</p>
  return (
    <ol className={styles.timeline}>
      {moments.map((moment) => (
        <li key={moment.key} className={styles[moment.tone ?? 'plain']}>
          <div className={styles.when}>
            <span className="numeric">{format.moment(new Date(moment.at))}</span>
            <Time at={moment.at} />
          </div>
          <div className={styles.what}>
            <p className={styles.title}>
              {moment.title} {moment.badge && <Badge tone={moment.tone}>{moment.badge}</Badge>}
            </p>
            {moment.text && <p>{moment.text}</p>}
            {moment.by && <p className={styles.soft}>{t('timeline.by', { by: moment.by })}</p>}
            {moment.details && <p className={styles.soft}>{moment.details.filter(Boolean).join(' · ')}</p>}
            {moment.children}
          </div>
        </li>
      ))}
    </ol>
  )
}
