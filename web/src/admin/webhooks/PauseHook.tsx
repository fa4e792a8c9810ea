import { useMutation } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Field } from '../../design/Field'
import { FormDialog } from '../../design/FormDialog'
import { say } from '../../design/Toast'
import type { Hook, Hooks } from './requests'

/** Asks why a webhook is paused, and says what that does. */
export function PauseHook({ hook, hooks, onClose }: { hook: Hook; hooks: Hooks; onClose: () => void }) {
  const { t } = useTranslation('webhooks')
  const pause = useMutation({
    mutationFn: (reason: string) => hooks.pause(hook.id, reason),
    onSuccess: () => {
      onClose()
      say(t('pausedDone'))
    },
  })
  return (
    <FormDialog
      title={t('pauseTitle', { url: hook.url })}
      submit={t('pause')}
      busy={pause.isPending}
      error={pause.error}
      onSubmit={(form) => pause.mutate(String(form.get('reason') ?? '').trim())}
      onClose={onClose}
    >
      <p>{t('pauseLead')}</p>
      <Field label={t('reason')} hint={t('reasonHint')}>
        <input name="reason" maxLength={500} autoComplete="off" />
      </Field>
    </FormDialog>
  )
}
