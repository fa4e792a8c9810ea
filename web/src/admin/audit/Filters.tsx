import { useTranslation } from 'react-i18next'
import { Button } from '../../design/Button'
import { Field } from '../../design/Field'
import { fromLocal, toLocal } from '../../format/local'
import styles from '../admin.module.css'
import { TenantChoice } from '../TenantChoice'
import { type ActFilter, acts } from './requests'

type Props = { filter: ActFilter; onChange: (change: ActFilter) => void; onClear: () => void }

/** What narrows the list of acts. It stands in the address. */
export function Filters({ filter, onChange, onClear }: Props) {
  const { t } = useTranslation('audit')
  return (
    <div className={styles.tools}>
      <Field label={t('what')}>
        <select value={filter.act ?? ''} onChange={(event) => onChange({ act: event.target.value || undefined })}>
          <option value="">{t('any')}</option>
          <Offered />
        </select>
      </Field>
      <Typed label={t('by')} value={filter.by} placeholder="key/…" onChoose={(by) => onChange({ by })} />
      <Typed label={t('subject')} value={filter.subject} onChoose={(subject) => onChange({ subject })} />
      <TenantChoice value={filter.tenant} placeholder={t('allTenants')} onChoose={(tenant) => onChange({ tenant })} />
      <Field label={t('from')}>
        <input
          type="datetime-local"
          value={toLocal(filter.from)}
          onChange={(event) => onChange({ from: fromLocal(event.target.value) })}
        />
      </Field>
      <Field label={t('to')}>
        <input
          type="datetime-local"
          value={toLocal(filter.to)}
          onChange={(event) => onChange({ to: fromLocal(event.target.value) })}
        />
      </Field>
      {Object.values(filter).some(Boolean) && (
        <Button kind="quiet" onClick={onClear}>
          {t('clear')}
        </Button>
      )}
    </div>
  )
}

/** The acts to choose from: all of a kind, or one of them. */
function Offered() {
  const { t } = useTranslation('audit')
  return Object.entries(acts).map(([kind, verbs]) => (
    <optgroup key={kind} label={t(`kind.${kind as 'key'}`)}>
      {verbs.length > 1 && <option value={kind}>{t('anyOf', { kind: t(`kind.${kind as 'key'}`) })}</option>}
      {verbs.map((verb) => (
        <option key={verb} value={`${kind}.${verb}`}>
          {t(`act.${kind}.${verb}` as 'act.key.create')}
        </option>
      ))}
    </optgroup>
  ))
}

type Text = {
  label: string
  value: string | undefined
  placeholder?: string
  onChoose: (text: string | undefined) => void
}

/** A text that counts once it is complete: after Enter, or when the field is left. */
function Typed({ label, value, placeholder, onChoose }: Text) {
  function choose(text: string) {
    const chosen = text.trim() || undefined
    if (chosen !== value) onChoose(chosen)
  }
  return (
    <Field label={label}>
      <input
        key={value}
        type="search"
        defaultValue={value}
        placeholder={placeholder}
        maxLength={255}
        autoComplete="off"
        spellCheck={false}
        onKeyDown={(event) => event.key === 'Enter' && choose(event.currentTarget.value)}
        onBlur={(event) => choose(event.target.value)}
      />
    </Field>
  )
}
