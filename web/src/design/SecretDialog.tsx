import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from './Button'
import { Copy } from './Copy'
import { Dialog } from './Dialog'
import { Notice } from './Notice'
import styles from './SecretDialog.module.css'

type Props = {
  title: string
  /** What the secret is called. */
  label: string
  secret: string
  onKept: () => void
  /** What to do with it. */
  children?: ReactNode
}

/** A secret that is shown this once. Only its button closes it, so that no stray key or click loses the secret. */
export function SecretDialog({ title, label, secret, onKept, children }: Props) {
  const { t } = useTranslation()
  return (
    <Dialog
      open
      onClose={() => {}}
      title={title}
      actions={
        <Button kind="primary" onClick={onKept}>
          {t('secret.kept')}
        </Button>
      }
    >
      <Notice tone="warn">{t('secret.once')}</Notice>
      <div className={styles.secret}>
        <input
          readOnly
          aria-label={label}
          value={secret}
          spellCheck={false}
          onFocus={(event) => event.currentTarget.select()}
        />
        <Copy text={secret} small={false} />
      </div>
      {children}
    </Dialog>
  )
}
