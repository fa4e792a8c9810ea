import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { PageHead } from '../../design/PageHead'
import { Loaded } from '../../design/State'
import { Time } from '../../design/Time'
import { useTitle } from '../../shell/title'
import styles from '../admin.module.css'
import { useTenant } from '../TenantChoice'
import { Deliveries } from './Deliveries'
import { EventNames } from './EventNames'
import { HookActs } from './HookActs'
import { HookStatus } from './HookStatus'
import { PausedNotice } from './PausedNotice'
import { type Hook, type Hooks, hooksOf } from './requests'

const page = getRouteApi('/admin/webhooks/$id')

/** One webhook: whether it sends, what it is, and its deliveries. */
export function Webhook() {
  const { t } = useTranslation('webhooks')
  const { id } = page.useParams()
  const search = page.useSearch()
  const hooks = hooksOf(useTenant(search.tenant))
  const hook = useQuery(hooks.one(id))
  useTitle(hook.data?.description || hook.data?.url || t('title'))
  return (
    <>
      <Link to="/admin/webhooks" search={{ tenant: search.tenant }} className={styles.back}>
        ← {t('back')}
      </Link>
      <Loaded query={hook}>{(found) => <Found hook={found} hooks={hooks} />}</Loaded>
    </>
  )
}

function Found({ hook, hooks }: { hook: Hook; hooks: Hooks }) {
  return (
    <>
      <PageHead
        title={hook.description || new URL(hook.url).host}
        lead={
          <span className={styles.row}>
            <HookStatus hook={hook} /> <code>{hook.url}</code>
          </span>
        }
      />
      {hook.paused && <PausedNotice hook={hook} pause={hook.paused} />}
      <HookActs hook={hook} hooks={hooks} />
      <Facts hook={hook} />
      <Deliveries hook={hook} hooks={hooks} />
    </>
  )
}

function Facts({ hook }: { hook: Hook }) {
  const { t } = useTranslation('webhooks')
  return (
    <dl className={styles.facts}>
      <dt>{t('events')}</dt>
      <dd>
        <EventNames events={hook.events} />
      </dd>
      {hook.previous_secret_until && (
        <>
          <dt>{t('oldSecret')}</dt>
          <dd>
            {t('oldSecretUntil')} <Time at={hook.previous_secret_until} exact />
          </dd>
        </>
      )}
      <dt>{t('created')}</dt>
      <dd>
        <Time at={hook.created_at} /> · <code>{hook.created_by}</code>
      </dd>
      <dt>{t('changed')}</dt>
      <dd>
        <Time at={hook.changed_at} /> · <code>{hook.changed_by}</code>
      </dd>
      <dt>{t('id')}</dt>
      <dd>
        <code>{hook.id}</code>
      </dd>
    </dl>
  )
}
