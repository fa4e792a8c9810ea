import { useTranslation } from 'react-i18next'
import { Button } from '../../design/Button'
import { Field } from '../../design/Field'
import { TypedInput } from '../../design/TypedInput'
import { tonicName } from '../notes/notes'
import styles from './FilterForm.module.css'
import { type Filters, moreCount, readFilters, statuses } from './filters'

type Props = { filters: Filters; onChange: (next: Filters) => void }

const tonics = ['C', 'C#', 'D', 'D#', 'E', 'F', 'F#', 'G', 'G#', 'A', 'A#', 'B']

/** The filters of the list. Each change goes into the address. */
export function FilterForm({ filters, onChange }: Props) {
  const { t } = useTranslation('singer')
  const more = moreCount(filters)
  const set = (change: Record<string, string>) => onChange(readFilters({ ...filters, ...change }))
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
      <details className={styles.more} open={more > 0 || undefined}>
        <summary>{more > 0 ? t('filter.moreCount', { count: more }) : t('filter.more')}</summary>
        <div className={styles.fields}>
          <Keys value={filters.key} onValue={(key) => set({ key })} />
          <Field label={t('filter.low')} hint={t('filter.noteHint', { note: 'A2' })}>
            <TypedInput value={filters.low ?? ''} onRest={(low) => set({ low })} size={5} />
          </Field>
          <Field label={t('filter.high')} hint={t('filter.noteHint', { note: 'C5' })}>
            <TypedInput value={filters.high ?? ''} onRest={(high) => set({ high })} size={5} />
          </Field>
          <Range label={t('filter.tempo')} name="tempo" filters={filters} set={set} />
          <Range label={t('filter.duration')} name="duration" filters={filters} set={set} />
        </div>
        {more > 0 && (
          <Button small onClick={() => onChange(readFilters({ text: filters.text, status: filters.status }))}>
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

type RangeProps = {
  label: string
  name: 'tempo' | 'duration'
  filters: Filters
  set: (change: Record<string, string>) => void
}

function Range({ label, name, filters, set }: RangeProps) {
  const { t } = useTranslation('singer')
  return (
    <fieldset className={styles.range}>
      <legend>{label}</legend>
      {(['min', 'max'] as const).map((end) => (
        <Field key={end} label={`${label}, ${t(`filter.${end}`)}`} labelHidden>
          <TypedInput
            inputMode="decimal"
            placeholder={t(`filter.${end}`)}
            value={filters[`${name}_${end}`]?.toString() ?? ''}
            onRest={(value) => set({ [`${name}_${end}`]: value.replace(',', '.') })}
          />
        </Field>
      ))}
    </fieldset>
  )
}
