import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '../../api/client'
import { Notice } from '../../design/Notice'
import { PageHead } from '../../design/PageHead'
import { Loaded } from '../../design/State'
import { Time } from '../../design/Time'
import { useSession } from '../../session/session'
import { useTitle } from '../../shell/title'
import styles from '../admin.module.css'
import { TenantChoice } from '../TenantChoice'
import { ChangeSetting } from './ChangeSetting'
import { settingsQuery } from './requests'
import { SettingTable } from './SettingTable'
import { UnsetSetting } from './UnsetSetting'

const page = getRouteApi('/admin/settings')

type Asking = { what: 'change' | 'unset'; name: string }

/** The settings that can be changed while the processes run. */
export function Settings() {
  const { t } = useTranslation('settings')
  useTitle(t('title'))
  const { tenant } = page.useSearch()
  const navigate = page.useNavigate()
  const all = useSession()?.all_tenants ?? false
  const settings = useQuery(settingsQuery(tenant))
  const [asking, setAsking] = useState<Asking>()
  // The setting as it is now: somebody else may change it while the dialog is open.
  const asked = settings.data?.settings.find((setting) => setting.name === asking?.name)
  const close = () => setAsking(undefined)
  return (
    <>
      <PageHead title={t('title')} lead={all ? t('lead') : t('leadRead')} />
      <div className={styles.tools}>
        <TenantChoice
          value={tenant}
          placeholder={t('everywhere')}
          onChoose={(chosen) => navigate({ search: { tenant: chosen } })}
        />
      </div>
      <Loaded query={settings}>
        {(found) => (
          <>
            <Warnings settings={found} />
            <SettingTable
              settings={found.settings}
              tenant={tenant}
              mayChange={all}
              onChange={({ name }) => setAsking({ what: 'change', name })}
              onUnset={({ name }) => setAsking({ what: 'unset', name })}
            />
          </>
        )}
      </Loaded>
      {asked && asking?.what === 'change' && <ChangeSetting setting={asked} tenant={tenant} onClose={close} />}
      {asked && asking?.what === 'unset' && <UnsetSetting setting={asked} tenant={tenant} onClose={close} />}
    </>
  )
}

function Warnings({ settings }: { settings: Schemas['Settings'] }) {
  const { t } = useTranslation('settings')
  return (
    <>
      {!settings.live && (
        <Notice tone="warn">
          {t('notLive')}{' '}
          {settings.snapshot_at && (
            <>
              {t('snapshot')} <Time at={settings.snapshot_at} />
            </>
          )}
        </Notice>
      )}
      {settings.refused && settings.refused.length > 0 && (
        <Notice tone="bad">
          <p>{t('refused')}</p>
          <ul className={styles.points}>
            {settings.refused.map((one) => (
              <li key={one.key}>
                <code>{one.key}</code>: <span lang="en">{one.reason}</span>
              </li>
            ))}
          </ul>
        </Notice>
      )}
    </>
  )
}
