import { type ReactNode, useId } from 'react'
import styles from './Panel.module.css'

type Props = {
  title: string
  /** A state beside the title. */
  state?: ReactNode
  /** What is said about it in words. */
  words?: ReactNode
  /** Something at its end, such as a curve. */
  aside?: ReactNode
  /** It is the one that a link led to. */
  marked?: boolean
  children?: ReactNode
}

/** One thing that is watched: a queue, a consumer group, a topic. */
export function Panel({ title, state, words, aside, marked, children }: Props) {
  const id = useId()
  return (
    <section className={styles.panel} aria-labelledby={id} data-marked={marked || undefined}>
      <div className={styles.head}>
        <div className={styles.words}>
          <h2 id={id}>
            {title} {state}
          </h2>
          {words && <p className={styles.soft}>{words}</p>}
        </div>
        {aside}
      </div>
      {children}
    </section>
  )
}
