import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Field } from '../../design/Field'
import { FormDialog } from '../../design/FormDialog'
import { Notice } from '../../design/Notice'
import { useFormat } from '../../format/format'
import { useNow } from '../../format/now'
import { useSession } from '../../session/session'
import { isOwn } from './KeyTable'
import { type Key, type NewKey, overlapOf, rotateKey } from './requests'

/** For how many seconds the old secret can be kept. */
const overlaps = [0, 3_600, 86_400, 604_800, 2_592_000]

// The session ends with the secret that it logged in with, and the new one could not be shown any more.
const overlapsOfOwn = overlaps.filter((seconds) => seconds > 0)

type Props = { secretOf: Key; onClose: () => void; onMade: (key: NewKey) => void }

/** Asks for how long the old secret of a key goes on beside the new one. */
export function RotateKey({ secretOf, onClose, onMade }: Props) {
  const { t } = useTranslation('keys')
  const format = useFormat()
  const session = useSession()
  const overlapping = overlapOf(secretOf, useNow())
  const [overlap, setOverlap] = useState(86_400)
  const rotate = useMutation({ mutationFn: () => rotateKey(secretOf.id, overlap), onSuccess: onMade })
  return (
    <FormDialog
      title={t('rotateTitle', { name: secretOf.name || secretOf.id })}
      submit={t('rotate')}
      busy={rotate.isPending}
      error={rotate.error}
      onSubmit={() => rotate.mutate()}
      onClose={onClose}
    >
      <p>{t('rotateLead')}</p>
      {overlapping && (
        <Notice tone="warn">{t('rotateOverlapping', { time: format.moment(new Date(overlapping)) })}</Notice>
      )}
      <Field label={t('overlap')} hint={overlap === 0 ? t('overlapNone') : t('overlapHint')}>
        <select value={overlap} onChange={(event) => setOverlap(Number(event.target.value))}>
          {(isOwn(secretOf, session?.by) ? overlapsOfOwn : overlaps).map((seconds) => (
            <option key={seconds} value={seconds}>
              {seconds === 0 ? t('atOnce') : format.span(seconds)}
            </option>
          ))}
        </select>
      </Field>
    </FormDialog>
  )
}
