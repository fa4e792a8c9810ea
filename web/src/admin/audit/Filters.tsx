import { useTranslation } from 'react-i18next'
import { Button } from '../../design/Button'
import { EnteredInput } from '../../design/EnteredInput'
import { Field } from '../../design/Field'
import { TypedInput } from '../../design/TypedInput'
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
      <Field label={t('by')}>
        <EnteredInput
          type="search"
          value={filter.by}
          placeholder="key/…"
          maxLength={255}
          onEnter={(by) => onChange({ by })}
        />
      </Field>
      <Field label={t('subject')}>
        <EnteredInput
          type="search"
          value={filter.subject}
          maxLength={255}
          onEnter={(subject) => onChange({ subject })}
        />
      </Field>
      <TenantChoice value={filter.tenant} placeholder={t('allTenants')} onChoose={(tenant) => onChange({ tenant })} />
      <Field label={t('from')}>
        <TypedInput
          type="datetime-local"
          value={toLocal(filter.from)}
          onRest={(at) => onChange({ from: fromLocal(at) })}
        />
      </Field>
      <Field label={t('to')}>
        <TypedInput type="datetime-local" value={toLocal(filter.to)} onRest={(at) => onChange({ to: fromLocal(at) })} />
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
