import { useTranslation } from 'react-i18next'
import { Badge } from '../../design/Badge'
import { Button } from '../../design/Button'
import { type Column, Table } from '../../design/Table'
import { Time } from '../../design/Time'
import { useFormat } from '../../format/format'
import styles from '../admin.module.css'
import { useHelp } from './help'
import type { Setting } from './requests'

type Props = {
  settings: Setting[]
  tenant: string | undefined
  mayChange: boolean
  onChange: (setting: Setting) => void
  onUnset: (setting: Setting) => void
}

/** Whether a setting is set where it is looked at: for the tenant, or everywhere. */
export function isSetHere(setting: Setting, tenant: string | undefined): boolean {
  return setting.source === 'set' && (setting.tenant ?? '') === (tenant ?? '')
}

/** The settings with their values in effect and who set them. */
export function SettingTable({ settings, tenant, mayChange, onChange, onUnset }: Props) {
  const { t } = useTranslation('settings')
  const help = useHelp()
  const columns: Column<Setting>[] = [
    {
      key: 'name',
      head: t('name'),
      names: true,
      cell: (setting) => (
        <span className={styles.stack}>
          <code>{setting.name}</code>
          <span className={styles.soft}>{help(setting)}</span>
        </span>
      ),
    },
    { key: 'value', head: t('value'), cell: (setting) => <Value of={setting} tenant={tenant} /> },
    {
      key: 'default',
      head: t('default'),
      cell: (setting) => <code className={styles.soft}>{setting.default || t('nothing')}</code>,
    },
    {
      key: 'changed',
      head: t('changed'),
      cell: (setting) =>
        setting.at && (
          <span className={styles.stack}>
            <Time at={setting.at} />
            <code className={styles.soft}>{setting.by}</code>
          </span>
        ),
    },
  ]
  if (mayChange) {
    columns.push({
      key: 'acts',
      head: t('acts'),
      headHidden: true,
      cell: (setting) =>
        (!tenant || setting.per_tenant) && (
          <span className={`${styles.row} ${styles.end}`}>
            {isSetHere(setting, tenant) && (
              <Button
                small
                kind="quiet"
                onClick={() => onUnset(setting)}
                aria-label={t('unsetOne', { name: setting.name })}
              >
                {t('unset')}
              </Button>
            )}
            <Button
              small
              kind="quiet"
              onClick={() => onChange(setting)}
              aria-label={t('changeOne', { name: setting.name })}
            >
              {t('change')}
            </Button>
          </span>
        ),
    })
  }
  return <Table label={t('title')} columns={columns} rows={settings} rowKey={(setting) => setting.name} />
}

function Value({ of, tenant }: { of: Setting; tenant: string | undefined }) {
  const { t } = useTranslation('settings')
  const format = useFormat()
  const bytes = of.name.endsWith('-bytes') && Number(of.value) >= 1000
  const value = (
    <>
      <code>{of.value === '' ? t('nothing') : of.value}</code>
      {bytes && <span className={styles.soft}>{format.size(Number(of.value))}</span>}
    </>
  )
  if (of.source !== 'set') return <span className={styles.row}>{value}</span>
  return (
    <span className={styles.row}>
      <strong>{value}</strong>
      <Badge tone="good">{tenant && !of.tenant ? t('setEverywhere') : t('set')}</Badge>
    </span>
  )
}
