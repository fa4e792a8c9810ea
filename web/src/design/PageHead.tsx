import type { ReactNode } from 'react'
import styles from './PageHead.module.css'

type Props = {
  title: ReactNode
  /** One sentence on what the page is for. */
  lead?: ReactNode
  /** What can be done on the page. */
  actions?: ReactNode
}

/** The beginning of a page: its name, what it is for, and what can be done. */
export function PageHead({ title, lead, actions }: Props) {
  return (
    <header className={styles.head}>
      <div className={styles.words}>
        <h1>{title}</h1>
        {lead && <p className={styles.lead}>{lead}</p>}
      </div>
      {actions && <div className={styles.actions}>{actions}</div>}
    </header>
  )
}
