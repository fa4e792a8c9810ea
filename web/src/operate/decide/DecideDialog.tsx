import { type FormEvent, type ReactNode, useId, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '../../design/Button'
import { Dialog } from '../../design/Dialog'
import { Field } from '../../design/Field'
import { useSession } from '../../session/session'
import { isDeciding } from '../bulk/operation'
import type { Decision, From } from '../deadletters/api'
import { useWords } from '../words'
import styles from './DecideDialog.module.css'
import { person, reasons, remember } from './remembered'

const steps = ['convert', 'analyze', 'publish'] as const

type Props = {
  kind: Decision['kind']
  title: string
  /** How many there are, in words, or what is being counted. */
  count: ReactNode
  /** Where the only letter failed; undefined for several. */
  failed?: string
  /** Nothing can be decided yet, such as while it is counted. */
  unready?: boolean
  busy?: boolean
  onClose: () => void
  onDecide: (decision: Decision) => void
}

/** Asks why, and how, before dead letters are decided on. */
export function DecideDialog({ kind, title, count, failed, unready, busy, onClose, onDecide }: Props) {
  const { t } = useTranslation('letters')
  const form = useId()
  const [missing, setMissing] = useState(false)
  const first = useRef<HTMLTextAreaElement>(null)
  const anonymous = !useSession()?.by

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const decision = decisionOf(kind, new FormData(event.currentTarget))
    if (!decision.reason) {
      setMissing(true)
      first.current?.focus()
      return
    }
    remember(decision)
    onDecide(decision)
  }
  return (
    <Dialog
      open
      onClose={onClose}
      // The buttons of a selection are gone once a decision on it has begun.
      openerGone={isDeciding}
      title={title}
      actions={
        <>
          <Button onClick={onClose}>{t('decide.cancel')}</Button>
          <Button
            type="submit"
            form={form}
            kind={kind === 'discard' ? 'danger' : 'primary'}
            disabled={unready}
            busy={busy}
          >
            {t(kind === 'discard' ? 'decide.discard' : 'decide.reprocess')}
          </Button>
        </>
      }
    >
      <div>{count}</div>
      <form id={form} className={styles.form} onSubmit={submit} noValidate>
        <Field
          label={t('decide.reason')}
          hint={t('decide.reasonHint')}
          error={missing ? t('decide.reasonMissing') : undefined}
        >
          <textarea
            name="reason"
            rows={2}
            maxLength={500}
            required
            ref={first}
            onChange={() => setMissing(false)}
            onKeyDown={(event) => {
              if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) event.currentTarget.form?.requestSubmit()
            }}
          />
        </Field>
        <Recent
          onChoose={(reason) => {
            if (!first.current) return
            first.current.value = reason
            first.current.focus()
            setMissing(false)
          }}
        />
        {anonymous && (
          <Field label={t('decide.by')} hint={t('decide.byHint')}>
            <input name="by" maxLength={100} defaultValue={person()} autoComplete="name" />
          </Field>
        )}
        {kind === 'reprocess' ? <Steps failed={failed} /> : <p className={styles.final}>{t('decide.discardMeans')}</p>}
      </form>
    </Dialog>
  )
}

function decisionOf(kind: Decision['kind'], data: FormData): Decision {
  const text = (name: string) => String(data.get(name) ?? '').trim()
  const options = Object.fromEntries(
    ['timeout', 'max_duration', 'engine'].map((name) => [name, text(name)]).filter(([, value]) => value),
  )
  return {
    kind,
    reason: text('reason'),
    by: text('by') || undefined,
    from: text('from') as From,
    options: Object.keys(options).length > 0 ? options : undefined,
  }
}

/** The reasons that were given before, to give one again. */
function Recent({ onChoose }: { onChoose: (reason: string) => void }) {
  const { t } = useTranslation('letters')
  const before = reasons()
  if (before.length === 0) return null
  return (
    <div className={styles.recent}>
      <span>{t('decide.recent')}</span>
      {before.map((reason) => (
        <Button key={reason} small onClick={() => onChoose(reason)}>
          {reason}
        </Button>
      ))}
    </div>
  )
}

/** Where to begin, and what to change about the steps that run again. */
function Steps({ failed }: { failed?: string }) {
  const { t } = useTranslation('letters')
  const words = useWords()
  return (
    <>
      <Field label={t('decide.from')}>
        <select name="from" defaultValue="">
          <option value="">
            {failed ? t('decide.fromFailed', { stage: words.stage(failed) }) : t('decide.fromEach')}
          </option>
          {steps.map((step) => (
            <option key={step} value={step}>
              {words.stage(step)}
            </option>
          ))}
        </select>
      </Field>
      <details className={styles.options}>
        <summary>{t('decide.options')}</summary>
        <div className={styles.form}>
          <Field label={t('decide.timeout')} hint={t('decide.timeoutHint')}>
            <input name="timeout" placeholder="2h" />
          </Field>
          <Field label={t('decide.maxDuration')} hint={t('decide.maxDurationHint')}>
            <input name="max_duration" placeholder="12h" />
          </Field>
          <Field label={t('decide.engine')} hint={t('decide.engineHint')}>
            <input name="engine" placeholder="builtin" />
          </Field>
        </div>
      </details>
    </>
  )
}
