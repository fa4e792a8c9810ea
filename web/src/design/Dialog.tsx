import * as Radix from '@radix-ui/react-dialog'
import { type ReactNode, useRef } from 'react'
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
  /** Whether what opened it is gone when it closes: the focus then goes to the page. */
  openerGone?: () => boolean
}

/** A dialog above the page. It keeps the focus, and gives it back; Escape closes it. */
export function Dialog({ open, onClose, title, children, actions, alert, wide, openerGone }: Props) {
  const before = useRef<Element | null>(null)
  return (
    <Radix.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className={styles.overlay} />
        <Radix.Content
          className={wide ? `${styles.panel} ${styles.wide}` : styles.panel}
          aria-describedby={undefined}
          role={alert ? 'alertdialog' : 'dialog'}
          // Radix gives the focus back to a trigger of its own alone.
          onOpenAutoFocus={() => {
            before.current = document.activeElement
          }}
          onCloseAutoFocus={(event) => {
            event.preventDefault()
            const page = openerGone?.() ? document.getElementById('content') : null
            const next = page ?? before.current
            if (next instanceof HTMLElement) next.focus({ preventScroll: page !== null })
          }}
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
