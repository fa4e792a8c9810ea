import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '../../design/Button'
import { PageHead } from '../../design/PageHead'
import { SecretDialog } from '../../design/SecretDialog'
import { Loaded, State } from '../../design/State'
import { type Column, Table } from '../../design/Table'
import { Time } from '../../design/Time'
import { useTitle } from '../../shell/title'
import styles from '../admin.module.css'
import { TenantChoice, useTenant } from '../TenantChoice'
import { EventNames } from './EventNames'
import { HookForm } from './HookForm'
import { HookStatus } from './HookStatus'
import { type Hook, hooksOf } from './requests'

const page = getRouteApi('/admin/webhooks')

/** The webhooks of a tenant. */
export function Webhooks() {
  const { t } = useTranslation(['webhooks', 'admin'])
  useTitle(t('title'))
  const search = page.useSearch()
  const navigate = page.useNavigate()
  const hooks = hooksOf(useTenant(search.tenant))
  const list = useQuery(hooks.list)
  const [creating, setCreating] = useState(false)
  const [made, setMade] = useState<Hook>()
  const create = (
    <Button kind="primary" onClick={() => setCreating(true)}>
      {t('create')}
    </Button>
  )
  return (
    <>
      <PageHead title={t('title')} lead={t('lead')} actions={list.data?.length ? create : undefined} />
      <div className={styles.tools}>
        <TenantChoice
          value={search.tenant}
          placeholder={t('admin:defaultTenant')}
          onChoose={(tenant) => navigate({ search: { tenant } })}
        />
      </div>
      <Loaded query={list}>
        {(all) =>
          all.length === 0 ? (
            <State title={t('noneTitle')} action={create}>
              {t('none')}
            </State>
          ) : (
            <HookTable hooks={all} tenant={search.tenant} />
          )
        }
      </Loaded>
      {creating && (
        <HookForm
          save={hooks.create}
          onClose={() => setCreating(false)}
          onSaved={(hook) => {
            setCreating(false)
            setMade(hook)
          }}
        />
      )}
      {made?.secret && (
        <SecretDialog
          title={t('secretTitle')}
          label={t('secret')}
          secret={made.secret}
          onKept={() => navigate({ to: '/admin/webhooks/$id', params: { id: made.id }, search })}
        >
          <p className={styles.soft}>{t('secretHint')}</p>
        </SecretDialog>
      )}
    </>
  )
}

function HookTable({ hooks, tenant }: { hooks: Hook[]; tenant: string | undefined }) {
  const { t } = useTranslation('webhooks')
  const columns: Column<Hook>[] = [
    {
      key: 'url',
      head: t('url'),
      names: true,
      cell: (hook) => (
        <span className={`${styles.stack} ${styles.breaks}`}>
          <Link to="/admin/webhooks/$id" params={{ id: hook.id }} search={{ tenant }}>
            {hook.url}
          </Link>
          {hook.description && <span className={styles.soft}>{hook.description}</span>}
        </span>
      ),
    },
    { key: 'status', head: t('status'), cell: (hook) => <HookStatus hook={hook} /> },
    { key: 'events', head: t('events'), cell: (hook) => <EventNames events={hook.events} /> },
    {
      key: 'changed',
      head: t('changed'),
      cell: (hook) => (
        <span className={styles.stack}>
          <Time at={hook.changed_at} />
          <code className={styles.soft}>{hook.changed_by}</code>
        </span>
      ),
    },
  ]
  return <Table label={t('title')} columns={columns} rows={hooks} rowKey={(hook) => hook.id} />
}
