import { useMutation } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Field } from '../../design/Field'
import { FormDialog } from '../../design/FormDialog'
import { Notice } from '../../design/Notice'
import { useFormat } from '../../format/format'
import { fromLocal, toLocal } from '../../format/local'
import styles from '../admin.module.css'
import type { Hook, Hooks } from './requests'

const day = 86_400_000

type Props = { hook: Hook; hooks: Hooks; onClose: () => void }

type Range = { from: string; to: string | undefined; delivered: boolean }

/** Sends the deliveries of a time range again, page by page, and says how many. Closing it stops after the page. */
export function RedeliverRange({ hook, hooks, onClose }: Props) {
  const { t } = useTranslation('webhooks')
  const format = useFormat()
  const [done, setDone] = useState({ started: 0, skipped: 0 })
  const stopped = useRef(false)
  const resend = useMutation({
    mutationFn: async ({ from, to, delivered }: Range) => {
      let next: string | undefined
      let sum = { started: 0, skipped: 0 }
      do {
        const page = await hooks.redeliver(hook.id, { from, to, delivered, page_token: next })
        sum = { started: sum.started + page.started, skipped: sum.skipped + page.skipped }
        setDone(sum)
        next = page.next
      } while (next && !stopped.current)
      return sum
    },
  })
  const [began] = useState(() => new Date(Date.now() - day).toISOString())
  function submit(form: FormData) {
    const from = fromLocal(String(form.get('from') ?? ''))
    if (!from) return
    stopped.current = false
    // Without an end, what is sent again now would be in the range of a later page.
    const to = fromLocal(String(form.get('to') ?? '')) ?? new Date().toISOString()
    resend.mutate({ from, to, delivered: form.get('delivered') === 'on' })
  }
  const words = { started: format.number(done.started), skipped: format.number(done.skipped) }
  return (
    <FormDialog
      title={t('rangeTitle')}
      submit={t('redeliver')}
      busy={resend.isPending}
      error={resend.error}
      onSubmit={submit}
      onClose={() => {
        stopped.current = true
        onClose()
      }}
    >
      <p>{t('rangeLead')}</p>
      <Field label={t('from')}>
        <input name="from" type="datetime-local" required defaultValue={toLocal(began)} />
      </Field>
      <Field label={t('to')} hint={t('toHint')}>
        <input name="to" type="datetime-local" />
      </Field>
      <label className={styles.choice}>
        <input type="checkbox" name="delivered" />
        {t('alsoDelivered')}
        <small>{t('alsoDeliveredHint')}</small>
      </label>
      {resend.isPending && <Notice>{t('rangeRuns', words)}</Notice>}
      {resend.isSuccess && <Notice tone="good">{t('rangeDone', words)}</Notice>}
    </FormDialog>
  )
}
