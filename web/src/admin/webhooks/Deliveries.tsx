import { useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { Badge } from '../../design/Badge'
import { Button } from '../../design/Button'
import { Field } from '../../design/Field'
import type { Tone } from '../../design/Notice'
import { Loaded } from '../../design/State'
import { type Column, Table } from '../../design/Table'
import { Time } from '../../design/Time'
import { TypedInput } from '../../design/TypedInput'
import { fromLocal, toLocal } from '../../format/local'
import styles from '../admin.module.css'
import { DeliveryDialog } from './DeliveryDialog'
import { eventName } from './EventNames'
import type { Delivery, Filter, Hook, Hooks } from './requests'

const page = getRouteApi('/admin/webhooks/$id')

const statuses = ['pending', 'delivered', 'failed'] as const

const tones: Record<Delivery['status'], Tone> = { pending: 'plain', delivered: 'good', failed: 'bad' }

/** Whether a delivery has arrived. */
export function DeliveryStatus({ delivery }: { delivery: Delivery }) {
  const { t } = useTranslation('webhooks')
  return <Badge tone={tones[delivery.status]}>{t(`delivery.${delivery.status}`)}</Badge>
}

/** What was sent to a webhook, by filters that stand in the address. */
export function Deliveries({ hook, hooks }: { hook: Hook; hooks: Hooks }) {
  const { t } = useTranslation(['webhooks', 'shell'])
  const search = page.useSearch()
  const navigate = page.useNavigate()
  const filter: Filter = { status: statuses.find((one) => one === search.status), from: search.from, to: search.to }
  const list = useInfiniteQuery(hooks.deliveries(hook.id, filter))
  const narrow = (change: { status?: string; from?: string; to?: string }) =>
    navigate({ search: (before) => ({ ...before, ...change }), replace: true })
  const filtered = filter.status || filter.from || filter.to
  return (
    <section className={styles.part} aria-labelledby="deliveries">
      <h2 id="deliveries">{t('deliveries')}</h2>
      <div className={styles.tools}>
        <Field label={t('status')}>
          <select value={filter.status ?? ''} onChange={(event) => narrow({ status: event.target.value || undefined })}>
            <option value="">{t('anyStatus')}</option>
            {statuses.map((status) => (
              <option key={status} value={status}>
                {t(`delivery.${status}`)}
              </option>
            ))}
          </select>
        </Field>
        <Field label={t('startedFrom')}>
          <TypedInput
            type="datetime-local"
            value={toLocal(filter.from)}
            onRest={(at) => narrow({ from: fromLocal(at) })}
          />
        </Field>
        <Field label={t('startedTo')}>
          <TypedInput type="datetime-local" value={toLocal(filter.to)} onRest={(at) => narrow({ to: fromLocal(at) })} />
        </Field>
        {filtered && (
          <Button kind="quiet" onClick={() => narrow({ status: undefined, from: undefined, to: undefined })}>
            {t('clear')}
          </Button>
        )}
      </div>
      <Loaded query={list}>
        {(data) => (
          <DeliveryTable
            rows={data.pages.flatMap((one) => one.deliveries)}
            empty={filtered ? t('noMatch') : t('noDeliveries')}
          />
        )}
      </Loaded>
      {list.hasNextPage && (
        <div className={styles.row}>
          <Button onClick={() => list.fetchNextPage()} busy={list.isFetchingNextPage}>
            {t('shell:state.more')}
          </Button>
        </div>
      )}
      {search.delivery && (
        <DeliveryDialog
          hook={hook}
          hooks={hooks}
          id={search.delivery}
          onClose={() => navigate({ search: (before) => ({ ...before, delivery: undefined }) })}
        />
      )}
    </section>
  )
}

function DeliveryTable({ rows, empty }: { rows: Delivery[]; empty: string }) {
  const { t } = useTranslation('webhooks')
  const columns: Column<Delivery>[] = [
    {
      key: 'event',
      head: t('eventOne'),
      names: true,
      cell: (delivery) => (
        <span className={styles.stack}>
          <Link from="/admin/webhooks/$id" search={(before) => ({ ...before, delivery: delivery.id })}>
            {eventName(delivery.type, t)}
          </Link>
          <code className={styles.soft}>{delivery.event_id}</code>
        </span>
      ),
    },
    {
      key: 'status',
      head: t('status'),
      cell: (delivery) => (
        <span className={styles.row}>
          <DeliveryStatus delivery={delivery} />
          {delivery.again && <Badge>{t('again')}</Badge>}
        </span>
      ),
    },
    { key: 'at', head: t('happened'), cell: (delivery) => <Time at={delivery.at} /> },
    { key: 'started', head: t('started'), cell: (delivery) => <Time at={delivery.started_at} /> },
    {
      key: 'ended',
      head: t('ended'),
      cell: (delivery) => delivery.ended_at && <Time at={delivery.ended_at} />,
    },
  ]
  return (
    <Table
      label={t('deliveries')}
      columns={columns}
      rows={rows}
      rowKey={(one) => one.id + one.started_at}
      empty={empty}
    />
  )
}
