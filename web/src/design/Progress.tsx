import type { Tone } from './Notice'
import styles from './Progress.module.css'

type Props = {
  label: string
  /** From 0 to max. */
  value: number
  max?: number
  tone?: Tone
  /** What the value is in words, where a percentage does not say it. */
  text?: string
}

/** How much of something is done or used. */
export function Progress({ label, value, max = 1, tone = 'plain', text }: Props) {
  const share = max > 0 ? Math.min(1, Math.max(0, value / max)) : 0
  return (
    <span
      className={styles.bar}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={max}
      aria-valuenow={Math.min(value, max)}
      aria-valuetext={text}
    >
      <span className={`${styles.fill} ${styles[tone] ?? ''}`} style={{ width: `${share * 100}%` }} />
    </span>
  )
}
