import { useMutation } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { FormDialog } from '../../design/FormDialog'
import { Notice } from '../../design/Notice'
import { say } from '../../design/Toast'
import { useSession } from '../../session/session'
import styles from '../admin.module.css'
import { isOwn } from './KeyTable'
import { type Key, revokeKey } from './requests'

/** Says what stops working, before a key is ended. */
export function RevokeKey({ revoked, onClose }: { revoked: Key; onClose: () => void }) {
  const { t } = useTranslation('keys')
  const session = useSession()
  const name = revoked.name || revoked.id
  const revoke = useMutation({
    mutationFn: () => revokeKey(revoked.id),
    onSuccess: () => {
      onClose()
      say(t('revoked', { name }))
    },
  })
  return (
    <FormDialog
      title={t('revokeTitle', { name })}
      submit={t('revoke')}
      danger
      busy={revoke.isPending}
      error={revoke.error}
      onSubmit={() => revoke.mutate()}
      onClose={onClose}
    >
      <ul className={styles.points}>
        <li>{t('revokeCalls', { scopes: revoked.scopes.join(', '), tenant: revoked.tenant })}</li>
        {revoked.scopes.includes('upload') && <li>{t('revokeTokens')}</li>}
        <li>{t('revokeKept')}</li>
      </ul>
      {isOwn(revoked, session?.by) && <Notice tone="warn">{t('revokeOwn')}</Notice>}
    </FormDialog>
  )
}
