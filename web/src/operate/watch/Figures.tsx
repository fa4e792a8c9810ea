import type { ReactNode } from 'react'
import styles from './Figures.module.css'

/** A few numbers that are compared over time. Those without a value are left out. */
export function Figures({ figures }: { figures: [string, ReactNode][] }) {
  const known = figures.filter(([, value]) => value !== undefined && value !== null && value !== '')
  return (
    <dl className={styles.figures}>
      {known.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}
