import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '../../api/client'
import { Badge } from '../../design/Badge'
import { Notice } from '../../design/Notice'
import { PageHead } from '../../design/PageHead'
import { Progress } from '../../design/Progress'
import { Loaded, State } from '../../design/State'
import { type Column, Table } from '../../design/Table'
import { Time } from '../../design/Time'
import { useFormat } from '../../format/format'
import { useTitle } from '../../shell/title'
import styles from '../admin.module.css'
import { tenantsQuery } from './requests'
import own from './Tenants.module.css'

type Tenant = Schemas['TenantSummary']

/** From which share of a limit on it is marked. */
const near = 0.8

/** The tenants, with what each may use and uses. */
export function Tenants() {
  const { t } = useTranslation('tenants')
  useTitle(t('title'))
  const tenants = useQuery({ ...tenantsQuery, refetchInterval: 15_000 })
  return (
    <>
      <PageHead title={t('title')} lead={t('lead')} />
      <Loaded query={tenants}>
        {(found) => (
          <>
            {found.unavailable && found.unavailable.length > 0 && (
              <Notice tone="warn">
                {t('unavailable', { parts: found.unavailable.map((part) => part.dependency).join(', ') })}
              </Notice>
            )}
            {found.truncated && <Notice tone="warn">{t('truncated', { count: found.tenants.length })}</Notice>}
            {found.tenants.length === 0 ? (
              <State title={t('noneTitle')}>{t('none')}</State>
            ) : (
              <TenantTable tenants={found.tenants} />
            )}
            <p className={styles.soft}>
              {t('checked')} <Time at={found.checked_at} />. {t('oneProcess')}
            </p>
          </>
        )}
      </Loaded>
    </>
  )
}

function TenantTable({ tenants }: { tenants: Tenant[] }) {
  const { t } = useTranslation('tenants')
  const format = useFormat()
  const limit = (value: number, text: string) => (value === 0 ? t('unlimited') : text)
  const columns: Column<Tenant>[] = [
    {
      key: 'tenant',
      head: t('tenant'),
      names: true,
      cell: (one) => (
        <span className={styles.row}>
          {one.tenant}
          {one.limits.paused && <Badge tone="warn">{t('paused')}</Badge>}
        </span>
      ),
    },
    {
      key: 'today',
      head: t('today'),
      numeric: true,
      cell: (one) => (one.uploads_today === null ? t('unknown') : format.number(one.uploads_today)),
    },
    {
      key: 'uploads',
      head: t('uploads'),
      cell: (one) => (
        <Used
          label={t('uploads')}
          used={one.usage.uploads}
          of={one.limits.uploads}
          text={t('of', { used: format.number(one.usage.uploads), of: format.number(one.limits.uploads) })}
        />
      ),
    },
    {
      key: 'bytes',
      head: t('bytes'),
      cell: (one) =>
        one.limits.day_bytes === 0 ? (
          `${format.size(one.usage.day_bytes)} · ${t('unlimited')}`
        ) : (
          <Used
            label={t('bytes')}
            used={one.usage.day_bytes}
            of={one.limits.day_bytes}
            text={t('of', { used: format.size(one.usage.day_bytes), of: format.size(one.limits.day_bytes) })}
          />
        ),
    },
    {
      key: 'requests',
      head: t('requests'),
      numeric: true,
      cell: (one) => limit(one.limits.requests, t('perSecond', { rate: format.number(one.limits.requests) })),
    },
    { key: 'size', head: t('size'), numeric: true, cell: (one) => format.size(one.limits.upload_bytes) },
    {
      key: 'links',
      head: t('managed'),
      cell: (one) => (
        <span className={own.links}>
          <Link to="/admin/keys" search={{ tenant: one.tenant }}>
            {t('keys', { count: one.keys })}
          </Link>
          <Link to="/admin/webhooks" search={{ tenant: one.tenant }}>
            {t('webhooks', { count: one.webhooks })}
          </Link>
          <Link to="/admin/settings" search={{ tenant: one.tenant }}>
            {t('settings', { count: one.settings })}
          </Link>
        </span>
      ),
    },
  ]
  return <Table label={t('title')} columns={columns} rows={tenants} rowKey={(one) => one.tenant} />
}

function Used({ label, used, of, text }: { label: string; used: number; of: number; text: string }) {
  return (
    <span className={own.used}>
      <span className="numeric">{text}</span>
      <Progress label={label} value={used} max={of} text={text} tone={used >= of * near ? 'warn' : 'plain'} />
    </span>
  )
}
