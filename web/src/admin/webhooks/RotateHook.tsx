import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Field } from '../../design/Field'
import { FormDialog } from '../../design/FormDialog'
import { useFormat } from '../../format/format'
import styles from '../admin.module.css'
import type { Hook, Hooks } from './requests'

/** For how many seconds the old secret can sign as well. */
const overlaps = [0, 3_600, 86_400, 259_200, 604_800]

type Props = { hook: Hook; hooks: Hooks; onClose: () => void; onRotated: (hook: Hook) => void }

/** Asks for how long requests are signed with the old secret, too. */
export function RotateHook({ hook, hooks, onClose, onRotated }: Props) {
  const { t } = useTranslation('webhooks')
  const format = useFormat()
  const [overlap, setOverlap] = useState(86_400)
  const rotating = hook.previous_secret_until !== undefined
  const [force, setForce] = useState(false)
  const rotate = useMutation({
    mutationFn: () => hooks.rotate(hook.id, { overlap_seconds: overlap, force }),
    onSuccess: onRotated,
  })
  return (
    <FormDialog
      title={t('rotateTitle')}
      submit={t('rotate')}
      busy={rotate.isPending}
      error={rotate.error}
      incomplete={rotating && !force}
      onSubmit={() => rotate.mutate()}
      onClose={onClose}
    >
      <p>{t('rotateLead')}</p>
      <Field label={t('overlap')} hint={overlap === 0 ? t('overlapNone') : t('overlapHint')}>
        <select value={overlap} onChange={(event) => setOverlap(Number(event.target.value))}>
          {overlaps.map((seconds) => (
            <option key={seconds} value={seconds}>
              {seconds === 0 ? t('atOnce') : format.span(seconds)}
            </option>
          ))}
        </select>
      </Field>
      {hook.previous_secret_until && (
        <label className={styles.choice}>
          <input type="checkbox" checked={force} onChange={(event) => setForce(event.target.checked)} />
          {t('force')}
          <small>{t('forceHint', { time: format.moment(new Date(hook.previous_secret_until)) })}</small>
        </label>
      )}
    </FormDialog>
  )
}
