import { type FormEvent, type ReactNode, useId, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from './Button'
import { Dialog } from './Dialog'
import styles from './FormDialog.module.css'
import { Notice } from './Notice'
import { ProblemText } from './ProblemText'

type Props = {
  title: string
  /** What the button does, in a verb. */
  submit: string
  /** What it does cannot be undone, or stops something. */
  danger?: boolean
  busy: boolean
  /** Why it could not be done. */
  error?: Error | null
  /** The button does nothing yet, since something is missing. */
  incomplete?: boolean
  onSubmit: (form: FormData) => void
  onClose: () => void
  children: ReactNode
}

/** A dialog that asks for something and does it: what is wrong is said in it, and nothing typed is lost. */
export function FormDialog({ title, submit, danger, busy, error, incomplete, onSubmit, onClose, children }: Props) {
  const { t } = useTranslation()
  const form = useId()
  const sent = useRef(false)
  function send(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    if (busy) return
    sent.current = true
    onSubmit(new FormData(event.currentTarget))
  }
  return (
    <Dialog
      open
      onClose={onClose}
      title={title}
      alert={danger}
      // What was removed had the button that opened this.
      openerGone={() => danger === true && sent.current && !error}
      actions={
        <>
          <Button onClick={onClose}>{t('state.cancel')}</Button>
          <Button type="submit" form={form} kind={danger ? 'danger' : 'primary'} busy={busy} disabled={incomplete}>
            {submit}
          </Button>
        </>
      }
    >
      <form id={form} className={styles.form} onSubmit={send}>
        {children}
        {error && (
          <Notice tone="bad">
            <ProblemText error={error} />
          </Notice>
        )}
      </form>
    </Dialog>
  )
}
