import { useTranslation } from 'react-i18next'
import { ProblemText } from '../design/ProblemText'
import { useOnline } from '../design/State'
import { useFormat } from '../format/format'
import styles from './Fresh.module.css'

type Read = { data: unknown; error: Error | null; dataUpdatedAt: number }

/** How current a page is: when it was read last, and why it could not be read since. */
export function Fresh({ query }: { query: Read }) {
  const { t } = useTranslation('operate')
  const format = useFormat()
  const online = useOnline()
  if (query.data === undefined) return null
  const time = format.clock(new Date(query.dataUpdatedAt))
  if (!query.error && online) {
    return (
      <span className={styles.fresh}>
        <span className={styles.dot} aria-hidden="true" />
        <span className="numeric">{t('fresh.live', { time })}</span>
      </span>
    )
  }
  return (
    <span role="status" className={styles.stale}>
      {t('fresh.stale', { time })} {query.error && <ProblemText error={query.error} />}
    </span>
  )
}
