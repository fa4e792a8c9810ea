import { useQuery } from '@tanstack/react-query'
import { useId } from 'react'
import { useTranslation } from 'react-i18next'
import { EnteredInput } from '../design/EnteredInput'
import { Field } from '../design/Field'
import { useSession } from '../session/session'
import { tenantsQuery } from './tenants/requests'

type Props = {
  /** The tenant that is shown, if one is. */
  value: string | undefined
  /** What is shown without one. */
  placeholder: string
  onChoose: (tenant: string | undefined) => void
}

/** Asks a credential for every tenant which one it means; others have only their own. */
export function TenantChoice({ value, placeholder, onChoose }: Props) {
  const { t } = useTranslation('admin')
  const all = useSession()?.all_tenants ?? false
  const tenants = useQuery({ ...tenantsQuery, enabled: all, retry: false })
  const list = useId()
  if (!all) return null
  const known = tenants.data?.tenants.map((tenant) => tenant.tenant) ?? []
  return (
    <div>
      <Field label={t('tenant')}>
        <EnteredInput
          type="search"
          list={list}
          known={known}
          value={value}
          placeholder={placeholder}
          pattern="[a-z0-9]([a-z0-9\-]{0,61}[a-z0-9])?"
          title={t('tenantForm')}
          onEnter={onChoose}
        />
      </Field>
      <datalist id={list}>
        {known.map((tenant) => (
          <option key={tenant} value={tenant} />
        ))}
      </datalist>
    </div>
  )
}

/** The tenant in requests of routes that are about one: the chosen one, for a credential that may choose. */
export function useTenant(chosen: string | undefined): string | undefined {
  return useSession()?.all_tenants ? (chosen ?? 'default') : undefined
}
