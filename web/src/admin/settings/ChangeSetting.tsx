import { useMutation } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Field } from '../../design/Field'
import { FormDialog } from '../../design/FormDialog'
import { say } from '../../design/Toast'
import styles from '../admin.module.css'
import { useHelp, words } from './help'
import { type Setting, setSetting } from './requests'

type Props = { setting: Setting; tenant: string | undefined; onClose: () => void }

/** Asks for the new value of a setting. */
export function ChangeSetting({ setting, tenant, onClose }: Props) {
  const { t } = useTranslation('settings')
  const help = useHelp()
  const choices = words[setting.name]
  const change = useMutation({
    mutationFn: (value: string) => setSetting(setting, tenant, value),
    onSuccess: (set) => {
      onClose()
      say(t('changedDone', { name: set.name, value: set.value }))
    },
  })
  const facts = { name: setting.name, value: setting.value, tenant: tenant ?? '' }
  return (
    <FormDialog
      title={tenant ? t('changeTitleTenant', facts) : t('changeTitle', facts)}
      submit={t('apply')}
      busy={change.isPending}
      error={change.error}
      onSubmit={(form) => change.mutate(String(form.get('value') ?? '').trim())}
      onClose={onClose}
    >
      <p>{help(setting)}</p>
      <Field label={t('newValue')} hint={choices ? undefined : t('range', { range: setting.range })}>
        {choices ? (
          <select name="value" defaultValue={setting.value}>
            {choices.map((word) => (
              <option key={word}>{word}</option>
            ))}
          </select>
        ) : (
          <input name="value" defaultValue={setting.value} required autoComplete="off" spellCheck={false} />
        )}
      </Field>
      <p className={styles.soft}>{t('changeNow', facts)}</p>
    </FormDialog>
  )
}
