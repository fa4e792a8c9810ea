import * as Radix from '@radix-ui/react-tabs'
import type { ReactNode } from 'react'
import styles from './Tabs.module.css'

/** One of several views in the same place. */
export type Tab<V extends string> = { value: V; title: string; content: ReactNode }

type Props<V extends string> = {
  label: string
  tabs: Tab<V>[]
  /** Which is shown: keep it in the address. */
  value: V
  onChoose: (value: V) => void
}

/** Views in the same place, of which one is shown. The arrow keys go through their titles. */
export function Tabs<V extends string>({ label, tabs, value, onChoose }: Props<V>) {
  return (
    <Radix.Root value={value} onValueChange={(chosen) => onChoose(chosen as V)}>
      <Radix.List className={styles.list} aria-label={label}>
        {tabs.map((tab) => (
          <Radix.Trigger key={tab.value} value={tab.value} className={styles.tab}>
            {tab.title}
          </Radix.Trigger>
        ))}
      </Radix.List>
      {tabs.map((tab) => (
        <Radix.Content key={tab.value} value={tab.value} className={styles.panel}>
          {tab.content}
        </Radix.Content>
      ))}
    </Radix.Root>
  )
}
