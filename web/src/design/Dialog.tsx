import * as Radix from '@radix-ui/react-dialog'
import type { ReactNode } from 'react'
import styles from './Dialog.module.css'

type Props = {
  open: boolean
  onClose: () => void
  title: string
  children: ReactNode
  /** Buttons at its end. */
  actions?: ReactNode
  /** It asks before something that cannot be undone. */
  alert?: boolean
  /** It shows much, such as a table. */
  wide?: boolean
}

/** A dialog above the page. It keeps the focus; Escape closes it. */
export function Dialog({ open, onClose, title, children, actions, alert, wide }: Props) {
  return (
    <Radix.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className={styles.overlay} />
        <Radix.Content
          className={wide ? `${styles.panel} ${styles.wide}` : styles.panel}
          aria-describedby={undefined}
          role={alert ? 'alertdialog' : 'dialog'}
        >
          <Radix.Title asChild>
            <h2>{title}</h2>
          </Radix.Title>
          {children}
          {actions && <div className={styles.actions}>{actions}</div>}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  )
}
