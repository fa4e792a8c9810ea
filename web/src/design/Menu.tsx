import * as Radix from '@radix-ui/react-dropdown-menu'
import type { ReactNode } from 'react'
import styles from './Menu.module.css'

type Props = { trigger: ReactNode; begins?: 'open' | 'closed'; children: ReactNode }

/** A menu that a button opens. */
export function Menu({ trigger, begins = 'closed', children }: Props) {
  return (
    <Radix.Root modal={false} defaultOpen={begins === 'open'}>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content className={styles.panel} align="end" sideOffset={6} collisionPadding={8}>
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  )
}

/** Something that the menu does. */
export function MenuItem({ onSelect, children }: { onSelect: () => void; children: ReactNode }) {
  return (
    <Radix.Item className={styles.item} onSelect={onSelect}>
      {children}
    </Radix.Item>
  )
}

/** A link in the menu. */
export function MenuLink({ href, children }: { href: string; children: ReactNode }) {
  return (
    <Radix.Item asChild>
      <a className={styles.item} href={href}>
        {children}
      </a>
    </Radix.Item>
  )
}

type Choice<V extends string> = { label: string; value: V; choices: Record<V, string>; onChoose: (value: V) => void }

/** One of several values. */
export function MenuChoice<V extends string>({ label, value, choices, onChoose }: Choice<V>) {
  return (
    <Radix.RadioGroup value={value} onValueChange={(chosen) => onChoose(chosen as V)} aria-label={label}>
      <Radix.Label className={styles.label}>{label}</Radix.Label>
      {Object.entries<string>(choices).map(([name, text]) => (
        <Radix.RadioItem key={name} className={styles.item} value={name} onSelect={(event) => event.preventDefault()}>
          {text}
        </Radix.RadioItem>
      ))}
    </Radix.RadioGroup>
  )
}

/** A line of text in the menu. */
export function MenuLabel({ children }: { children: ReactNode }) {
  return <Radix.Label className={styles.label}>{children}</Radix.Label>
}

/** A line between parts of the menu. */
export function MenuSeparator() {
  return <Radix.Separator className={styles.separator} />
}
