import { useMutation } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { FormDialog } from '../../design/FormDialog'
import { say } from '../../design/Toast'
import { type Setting, unsetSetting } from './requests'

type Props = { setting: Setting; tenant: string | undefined; onClose: () => void }

/** Asks before the default of a setting is brought back. */
export function UnsetSetting({ setting, tenant, onClose }: Props) {
  const { t } = useTranslation('settings')
  const unset = useMutation({
    mutationFn: () => unsetSetting(setting, tenant),
    onSuccess: (now) => {
      onClose()
      say(t('unsetDone', { name: now.name, value: now.value }))
    },
  })
  return (
    <FormDialog
      title={t('unsetTitle', { name: setting.name })}
      submit={t('unset')}
      danger
      busy={unset.isPending}
      error={unset.error}
      onSubmit={() => unset.mutate()}
      onClose={onClose}
    >
      <p>{tenant ? t('unsetLeadTenant', { value: setting.value, tenant }) : t('unsetLead', setting)}</p>
    </FormDialog>
  )
}
