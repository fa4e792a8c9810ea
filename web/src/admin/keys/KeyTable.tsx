import { useTranslation } from 'react-i18next'
import { Badge } from '../../design/Badge'
import { Button } from '../../design/Button'
import { type Column, Table } from '../../design/Table'
import { Time } from '../../design/Time'
import { useNow } from '../../format/now'
import { useSession } from '../../session/session'
import styles from '../admin.module.css'
import { ended, type Key, overlapOf } from './requests'

type Props = { keys: Key[]; onRotate: (key: Key) => void; onRevoke: (key: Key) => void }

/** The keys with what each permits and until when. */
export function KeyTable({ keys, onRotate, onRevoke }: Props) {
  const { t } = useTranslation('keys')
  const session = useSession()
  const columns: Column<Key>[] = [
    { key: 'name', head: t('name'), names: true, cell: (key) => <Name of={key} /> },
    ...(session?.all_tenants
      ? [{ key: 'tenant', head: t('tenant'), cell: (key: Key) => (key.tenant === '*' ? t('everyTenant') : key.tenant) }]
      : []),
    { key: 'scopes', head: t('scopes'), cell: (key) => key.scopes.join(', ') },
    { key: 'owner', head: t('owner'), cell: (key) => key.owner },
    { key: 'created', head: t('created'), cell: (key) => <Time at={key.created_at} /> },
    { key: 'ends', head: t('ends'), cell: (key) => (key.expires_at ? <Time at={key.expires_at} /> : t('never')) },
    {
      key: 'changed',
      head: t('changed'),
      cell: (key) => (
        <span className={styles.stack}>
          <Time at={key.changed_at} />
          <code className={styles.soft}>{key.changed_by}</code>
        </span>
      ),
    },
    {
      key: 'acts',
      head: t('acts'),
      headHidden: true,
      cell: (key) => (
        <span className={`${styles.row} ${styles.end}`}>
          {key.scopes.every((scope) => session?.scopes?.includes(scope as 'read')) && (
            <Button
              small
              kind="quiet"
              onClick={() => onRotate(key)}
              aria-label={t('rotateOne', { name: key.name || key.id })}
            >
              {t('rotate')}
            </Button>
          )}
          <Button small onClick={() => onRevoke(key)} aria-label={t('revokeOne', { name: key.name || key.id })}>
            {t('revoke')}
          </Button>
        </span>
      ),
    },
  ]
  return <Table label={t('title')} columns={columns} rows={keys} rowKey={(key) => key.id} empty={t('noMatch')} />
}

function Name({ of }: { of: Key }) {
  const { t } = useTranslation('keys')
  const now = useNow()
  const session = useSession()
  const overlap = overlapOf(of, now)
  return (
    <span className={styles.stack}>
      <span className={styles.row}>
        {of.name || t('unnamed')}
        {isOwn(of, session?.by) && <Badge tone="good">{t('own')}</Badge>}
        {ended(of, now) && <Badge tone="bad">{t('expired')}</Badge>}
        {overlap && (
          <Badge tone="warn">
            {t('oldSecret')} <Time at={overlap} />
          </Badge>
        )}
      </span>
      <code className={styles.soft}>{of.id}</code>
    </span>
  )
}

/** Whether the session is logged in with the key: `by` is key/ID, with a session and a person's name behind it at times. */
export function isOwn(key: Key, by: string | undefined): boolean {
  return by?.split(/[/ ]/)[1] === key.id
}
