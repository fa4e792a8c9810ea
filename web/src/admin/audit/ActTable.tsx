import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { type Column, Table } from '../../design/Table'
import { Time } from '../../design/Time'
import { UploadLink } from '../../operate/UploadLink'
import { useSession } from '../../session/session'
import styles from '../admin.module.css'
import own from './ActTable.module.css'
import { type Act, type ActFilter, wordsOf } from './requests'

type Props = { acts: Act[]; empty: string; onNarrow: (change: ActFilter) => void }

/** The acts, each with who did it and to what. */
export function ActTable({ acts, empty, onNarrow }: Props) {
  const { t } = useTranslation('audit')
  const all = useSession()?.all_tenants ?? false
  const columns: Column<Act>[] = [
    { key: 'at', head: t('at'), cell: (act) => <Time at={act.at} exact /> },
    {
      key: 'what',
      head: t('what'),
      names: true,
      cell: (act) => {
        const words = wordsOf(act.act)
        return words ? t(words) : <code>{act.act}</code>
      },
    },
    { key: 'subject', head: t('subject'), cell: (act) => <Subject act={act} /> },
    { key: 'detail', head: t('detail'), cell: (act) => <span className={own.detail}>{act.detail}</span> },
    {
      key: 'by',
      head: t('by'),
      cell: (act) => (
        <button
          type="button"
          className={own.by}
          title={t('onlyBy', { by: act.by })}
          onClick={() => onNarrow({ by: act.by.split(' ')[0] })}
        >
          <code>{act.by}</code>
        </button>
      ),
    },
  ]
  if (all) {
    columns.push({
      key: 'tenant',
      head: t('tenant'),
      cell: (act) => (act.tenant === '*' ? t('everyTenant') : act.tenant),
    })
  }
  return <Table label={t('title')} columns={columns} rows={acts} rowKey={(act) => act.id} empty={empty} />
}

/** What it was done to, with the way there where there is one. */
function Subject({ act }: { act: Act }) {
  const subject = act.subject
  if (!subject) return null
  const text = <code>{subject}</code>
  const tenant = act.tenant === '*' ? undefined : act.tenant
  switch (act.act.split('.')[0]) {
    case 'upload':
    case 'dead-letter':
      return (
        <UploadLink id={subject} otherwise={text}>
          {text}
        </UploadLink>
      )
    case 'webhook':
      if (act.act === 'webhook.remove') return <span className={styles.stack}>{text}</span>
      return (
        <Link to="/admin/webhooks/$id" params={{ id: subject }} search={{ tenant }}>
          {text}
        </Link>
      )
    case 'key':
      if (act.act === 'key.revoke') return <span className={styles.stack}>{text}</span>
      return (
        <Link to="/admin/keys" search={{ q: subject }}>
          {text}
        </Link>
      )
    case 'setting':
      return (
        <Link to="/admin/settings" search={{ tenant }}>
          {text}
        </Link>
      )
    default:
      return text
  }
}
