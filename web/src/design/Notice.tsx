import type { ReactNode } from 'react'
import styles from './Notice.module.css'

/** How good or bad something is. */
export type Tone = 'plain' | 'good' | 'warn' | 'bad'

/** A message in the page. Bad ones are read out at once, others when there is time. */
export function Notice({ tone = 'plain', children }: { tone?: Tone; children: ReactNode }) {
  return (
    <div role={tone === 'bad' ? 'alert' : 'status'} className={`${styles.notice} ${styles[tone] ?? ''}`}>
      {children}
    </div>
  )
}
