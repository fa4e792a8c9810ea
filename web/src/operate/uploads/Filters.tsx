import { useQuery } from '@tanstack/react-query'
import { useId } from 'react'
import { useTranslation } from 'react-i18next'
import { answer, api, everyTenant } from '../../api/client'
import { Button } from '../../design/Button'
import { EnteredInput } from '../../design/EnteredInput'
import { usePermitted, useSession } from '../../session/session'
import { Age } from '../filter/Age'
import { Chips } from '../filter/Chips'
import styles from '../filter/filter.module.css'
import { Search } from '../filter/Search'
import { wordsOf } from '../search'
import { useWords } from '../words'
import { type Filter, queryOf } from './filter'

const statuses = [
  'queued',
  'converting',
  'analyzing',
  'publishing',
  'dead_lettered',
  'completed',
  'discarded',
  'expired',
  'canceled',
]

type Props = { filter: Filter; onChoose: (filter: Filter) => void }

/** Which uploads are shown. */
export function Filters({ filter, onChoose }: Props) {
  const { t } = useTranslation('inspect')
  const words = useWords()
  const all = useSession()?.all_tenants ?? false
  return (
    <search className={styles.filters}>
      <Search
        label={t('filter.text')}
        text={filter.text ?? ''}
        onSearch={(text) => onChoose({ ...filter, text: text || undefined })}
      />
      <div className={styles.ages}>
        {all && <Tenant value={filter.tenant} onChoose={(tenant) => onChoose({ ...filter, tenant })} />}
        <Exactly label={t('filter.owner')} value={filter.owner} onChoose={(owner) => onChoose({ ...filter, owner })} />
        <label className={styles.age}>
          <span>{t('filter.kind')}</span>
          <select
            value={filter.kind ?? ''}
            onChange={(event) => onChoose({ ...filter, kind: (event.target.value as Filter['kind']) || undefined })}
          >
            <option value="">{t('filter.any')}</option>
            <option value="voice">{t('kind.voice')}</option>
            <option value="song">{t('kind.song')}</option>
          </select>
        </label>
        <Age
          any={t('filter.anyTime')}
          label={t('filter.from')}
          value={filter.from}
          onChoose={(from) => onChoose({ ...filter, from })}
        />
        {Object.keys(queryOf(filter)).length > 0 && (
          <Button small kind="quiet" onClick={() => onChoose({ tenant: filter.tenant })}>
            {t('filter.clear')}
          </Button>
        )}
      </div>
      <div className={styles.groups}>
        <Chips
          label={t('filter.status')}
          words={statuses}
          chosen={wordsOf(filter.status)}
          name={words.status}
          onChoose={(chosen) => onChoose({ ...filter, status: chosen?.join(',') })}
        />
      </div>
    </search>
  )
}

type ExactlyProps = {
  label: string
  value: string | undefined
  suggestions?: string[]
  placeholder?: string
  onChoose: (value: string | undefined) => void
}

/** A value that must match exactly: it is used once it is complete, at Enter or when the field is left. */
function Exactly({ label, value, suggestions, placeholder, onChoose }: ExactlyProps) {
  const list = useId()
  return (
    <label className={styles.age}>
      <span>{label}</span>
      <EnteredInput
        size={12}
        maxLength={255}
        value={value}
        placeholder={placeholder}
        list={suggestions ? list : undefined}
        known={suggestions}
        onEnter={onChoose}
      />
      {suggestions && (
        <datalist id={list}>
          {suggestions.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      )}
    </label>
  )
}

/** The tenant whose uploads are shown, for credentials that may name any. */
function Tenant({ value, onChoose }: { value: string | undefined; onChoose: (tenant: string | undefined) => void }) {
  const { t } = useTranslation('inspect')
  const own = useSession()?.tenant
  const known = useQuery({
    queryKey: ['tenants', 'names'],
    queryFn: async ({ signal }) => {
      const params = { header: { 'X-Orak-Tenant': everyTenant() } }
      const { tenants } = await answer(api.GET('/v1/admin/tenants', { params, signal }))
      return tenants.map(({ tenant }) => tenant)
    },
    enabled: usePermitted('admin'),
    staleTime: 60_000,
  })
  return (
    <Exactly
      label={t('filter.tenant')}
      value={value}
      placeholder={own}
      suggestions={known.data ?? []}
      onChoose={onChoose}
    />
  )
}
