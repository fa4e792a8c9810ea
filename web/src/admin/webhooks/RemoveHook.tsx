import { useMutation } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { FormDialog } from '../../design/FormDialog'
import { say } from '../../design/Toast'
import styles from '../admin.module.css'
import type { Hook, Hooks } from './requests'

type Props = { hook: Hook; hooks: Hooks; onClose: () => void; onRemoved: () => void }

/** Says what stops, before a webhook is removed. */
export function RemoveHook({ hook, hooks, onClose, onRemoved }: Props) {
  const { t } = useTranslation('webhooks')
  const remove = useMutation({
    mutationFn: () => hooks.remove(hook.id),
    onSuccess: () => {
      say(t('removed', { url: hook.url }))
      onRemoved()
    },
  })
  return (
    <FormDialog
      title={t('removeTitle', { url: hook.url })}
      submit={t('remove')}
      danger
      busy={remove.isPending}
      error={remove.error}
      onSubmit={() => remove.mutate()}
      onClose={onClose}
    >
      <ul className={styles.points}>
        <li>{t('removeStops')}</li>
        <li>{t('removeLost')}</li>
        <li>{t('removePause')}</li>
      </ul>
    </FormDialog>
  )
}
