import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '../../design/Button'
import { Field } from '../../design/Field'
import { PageHead } from '../../design/PageHead'
import { SecretDialog } from '../../design/SecretDialog'
import { Loaded, State } from '../../design/State'
import { TypedInput } from '../../design/TypedInput'
import { useTitle } from '../../shell/title'
import styles from '../admin.module.css'
import { TenantChoice } from '../TenantChoice'
import { CreateKey } from './CreateKey'
import { KeyTable } from './KeyTable'
import { RevokeKey } from './RevokeKey'
import { RotateKey } from './RotateKey'
import { type Key, keysQuery, type NewKey } from './requests'

const page = getRouteApi('/admin/keys')

type Asking = { what: 'create' } | { what: 'rotate' | 'revoke'; key: Key }

/** The API keys: who may call, and what for. */
export function Keys() {
  const { t } = useTranslation('keys')
  useTitle(t('title'))
  const search = page.useSearch()
  const navigate = page.useNavigate()
  const keys = useQuery(keysQuery)
  const [asking, setAsking] = useState<Asking>()
  const [made, setMade] = useState<NewKey>()
  const close = () => setAsking(undefined)
  function show(key: NewKey) {
    close()
    setMade(key)
  }
  const create = (
    <Button kind="primary" onClick={() => setAsking({ what: 'create' })}>
      {t('create')}
    </Button>
  )
  return (
    <>
      <PageHead title={t('title')} lead={t('lead')} actions={keys.data?.length ? create : undefined} />
      <Loaded query={keys}>
        {(all) =>
          all.length === 0 ? (
            <State title={t('noneTitle')} action={create}>
              {t('none')}
            </State>
          ) : (
            <>
              <div className={styles.tools}>
                <TenantChoice
                  value={search.tenant}
                  placeholder={t('allTenants')}
                  onChoose={(tenant) => navigate({ search: { ...search, tenant } })}
                />
                <Field label={t('search')}>
                  <TypedInput
                    type="search"
                    value={search.q ?? ''}
                    onRest={(q) => navigate({ search: { ...search, q: q || undefined }, replace: true })}
                  />
                </Field>
              </div>
              <KeyTable
                keys={all.filter((key) => matches(key, search.tenant, search.q))}
                onRotate={(key) => setAsking({ what: 'rotate', key })}
                onRevoke={(key) => setAsking({ what: 'revoke', key })}
              />
            </>
          )
        }
      </Loaded>
      {asking?.what === 'create' && <CreateKey tenant={search.tenant} onClose={close} onMade={show} />}
      {asking?.what === 'rotate' && <RotateKey secretOf={asking.key} onClose={close} onMade={show} />}
      {asking?.what === 'revoke' && <RevokeKey revoked={asking.key} onClose={close} />}
      {made && (
        <SecretDialog
          title={t('madeTitle', { name: made.name || made.id })}
          label={t('secret')}
          secret={made.key}
          onKept={() => setMade(undefined)}
        >
          <p className={styles.soft}>{t('madeHint')}</p>
        </SecretDialog>
      )}
    </>
  )
}

function matches(key: Key, tenant: string | undefined, text: string | undefined): boolean {
  if (tenant && key.tenant !== tenant) return false
  if (!text) return true
  const wanted = text.toLowerCase()
  return [key.id, key.name, key.tenant, key.owner].some((value) => value?.toLowerCase().includes(wanted))
}
