import type { ReactNode } from 'react'
import styles from './Badge.module.css'
import type { Tone } from './Notice'

/** A short state in a line or a table; its words say it, the colour repeats it. */
export function Badge({ tone = 'plain', children }: { tone?: Tone; children: ReactNode }) {
  return <span className={`${styles.badge} ${styles[tone] ?? ''}`}>{children}</span>
}
