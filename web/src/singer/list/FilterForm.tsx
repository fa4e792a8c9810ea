import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '../../design/Button'
import { Field } from '../../design/Field'
import { TypedInput } from '../../design/TypedInput'
import { spelled, tonicName } from '../notes/notes'
import styles from './FilterForm.module.css'
import { faultOfNote, faultOfNumber, numberOf } from './faults'
import { type Filters, isReversed, moreCount, type RangeName, readFilters, statuses } from './filters'

type Props = { filters: Filters; onChange: (next: Filters) => void }

const tonics = ['C', 'C#', 'D', 'D#', 'E', 'F', 'F#', 'G', 'G#', 'A', 'A#', 'B']

/** The filters of the list. Each change goes into the address. */
export function FilterForm({ filters, onChange }: Props) {
  const { t } = useTranslation('singer')
  const more = moreCount(filters)
  // Opened by what the address has, and closed by hand alone: what is wrong in a field stands in it.
  const [open, setOpen] = useState(more > 0)
  const [cleared, setCleared] = useState(0)
  const set = (change: Record<string, string>) => onChange(readFilters({ ...filters, ...change }))
  function clear() {
    setCleared(cleared + 1)
    onChange(readFilters({ text: filters.text, status: filters.status }))
  }
  return (
    <form className={styles.form} role="search" aria-label={t('filter.label')} onSubmit={(e) => e.preventDefault()}>
      <div className={styles.first}>
        <Field label={t('filter.text')} labelHidden>
          <TypedInput
            type="search"
            value={filters.text ?? ''}
            placeholder={t('filter.text')}
            onRest={(text) => set({ text })}
          />
        </Field>
        <Field label={t('filter.status')} labelHidden>
          <select value={filters.status ?? ''} onChange={(event) => set({ status: event.target.value })}>
            <option value="">{t('filter.anyStatus')}</option>
            {(Object.keys(statuses) as (keyof typeof statuses)[]).map((status) => (
              <option key={status} value={status}>
                {t(`filter.statuses.${status}`)}
              </option>
            ))}
          </select>
        </Field>
      </div>
      <details className={styles.more} open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>{more > 0 ? t('filter.moreCount', { count: more }) : t('filter.more')}</summary>
        <div className={styles.fields} key={cleared}>
          <Keys value={filters.key} onValue={(key) => set({ key })} />
          <Note label={t('filter.low')} such="A2" value={filters.low} onValue={(low) => set({ low })} />
          <Note label={t('filter.high')} such="C5" value={filters.high} onValue={(high) => set({ high })} />
          <Range label={t('filter.tempo')} name="tempo" filters={filters} set={set} />
          <Range label={t('filter.duration')} name="duration" filters={filters} set={set} />
        </div>
        {more > 0 && (
          <Button small onClick={clear}>
            {t('filter.clear')}
          </Button>
        )}
      </details>
    </form>
  )
}

function Keys({ value, onValue }: { value: string | undefined; onValue: (value: string) => void }) {
  const { t } = useTranslation('singer')
  return (
    <Field label={t('filter.key')}>
      <select value={value ?? ''} onChange={(event) => onValue(event.target.value)}>
        <option value="">{t('filter.anyKey')}</option>
        <option value="major">{t('filter.major')}</option>
        <option value="minor">{t('filter.minor')}</option>
        {tonics.flatMap((tonic) =>
          (['major', 'minor'] as const).map((mode) => (
            <option key={tonic + mode} value={`${tonic} ${mode}`}>
              {t(`key.${mode}`, { tonic: tonicName(tonic, mode) })}
            </option>
          )),
        )}
      </select>
    </Field>
  )
}

type NoteProps = { label: string; such: string; value: string | undefined; onValue: (value: string) => void }

function Note({ label, such, value, onValue }: NoteProps) {
  const { t } = useTranslation('singer')
  const [wrong, setWrong] = useState<string>()
  function rest(text: string) {
    const found = faultOfNote(text)
    setWrong(found && text)
    onValue(found ? '' : spelled(text))
  }
  // What is wrong stays in the field though it is not in the address, until the address has something else.
  const text = value ?? wrong ?? ''
  const fault = faultOfNote(text)
  return (
    <Field
      label={label}
      hint={t('filter.noteHint', { note: such })}
      error={fault && t(`filter.fault.${fault}`, { note: such })}
    >
      <TypedInput value={text} onRest={rest} size={5} />
    </Field>
  )
}

type RangeProps = {
  label: string
  name: RangeName
  filters: Filters
  set: (change: Record<string, string>) => void
}

function Range({ label, name, filters, set }: RangeProps) {
  const { t } = useTranslation('singer')
  return (
    <fieldset className={styles.range}>
      <legend>{label}</legend>
      {(['min', 'max'] as const).map((end) => (
        <End
          key={end}
          label={`${label}, ${t(`filter.${end}`)}`}
          placeholder={t(`filter.${end}`)}
          value={filters[`${name}_${end}`]}
          onValue={(value) => set({ [`${name}_${end}`]: value })}
        />
      ))}
      {isReversed(filters, name) && (
        <p role="alert" className={styles.fault}>
          {t('filter.fault.order')}
        </p>
      )}
    </fieldset>
  )
}

type EndProps = { label: string; placeholder: string; value: number | undefined; onValue: (value: string) => void }

function End({ label, placeholder, value, onValue }: EndProps) {
  const { t } = useTranslation('singer')
  const [wrong, setWrong] = useState<string>()
  function rest(text: string) {
    const found = faultOfNumber(text)
    setWrong(found && text)
    onValue(found || !text.trim() ? '' : String(numberOf(text)))
  }
  const text = value?.toString() ?? wrong ?? ''
  const fault = faultOfNumber(text)
  return (
    <Field label={label} labelHidden error={fault && t(`filter.fault.${fault}`, { note: '' })}>
      <TypedInput inputMode="decimal" placeholder={placeholder} value={text} onRest={rest} />
    </Field>
  )
}
