import { useTranslation } from 'react-i18next'
import type { Schemas } from '../api/client'
import { Json } from '../design/Json'
import { Table } from '../design/Table'
import { useFormat } from '../format/format'
import styles from './EventTable.module.css'
import { Facts } from './Facts'

type Event = Schemas['Event']

/** The Kafka record that announced an upload. */
export function EventTable({ event }: { event: Event | undefined }) {
  const { t } = useTranslation('operate')
  const format = useFormat()
  if (!event) return <p className={styles.none}>{t('event.none')}</p>
  return (
    <div className={styles.event}>
      <Facts
        facts={[
          [t('event.topic'), event.topic],
          [t('event.partition'), event.partition],
          [t('event.offset'), event.offset],
          [t('event.size'), format.size(event.size)],
          [t('event.key'), <code key="key">{event.key}</code>],
        ]}
      />
      <Table
        label={t('event.headers')}
        rows={event.headers}
        rowKey={(header) => `${header.key} ${header.value}`}
        columns={[
          { key: 'key', head: t('event.header'), names: true, cell: (header) => header.key },
          {
            key: 'value',
            head: t('event.value'),
            cell: (header) => (header.withheld ? <em>{t('event.withheld')}</em> : <code>{header.value}</code>),
          },
        ]}
      />
      {event.value && <Json value={parsed(event.value)} label={t('event.value')} />}
    </div>
  )
}

function parsed(value: string): unknown {
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}
