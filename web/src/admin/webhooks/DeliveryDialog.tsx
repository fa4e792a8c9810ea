import { useMutation, useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Button } from '../../design/Button'
import { Dialog } from '../../design/Dialog'
import { Notice } from '../../design/Notice'
import { ProblemText } from '../../design/ProblemText'
import { Loaded } from '../../design/State'
import { Time } from '../../design/Time'
import { useFormat } from '../../format/format'
import styles from '../admin.module.css'
import { DeliveryStatus } from './Deliveries'
import { eventName } from './EventNames'
import type { Delivery, Hook, Hooks } from './requests'

type Props = { hook: Hook; hooks: Hooks; id: string; onClose: () => void }

/** One delivery, with what its attempts met. */
export function DeliveryDialog({ hook, hooks, id, onClose }: Props) {
  const { t } = useTranslation(['webhooks', 'shell'])
  const delivery = useQuery(hooks.delivery(hook.id, id))
  const again = useMutation({ mutationFn: () => hooks.redeliver(hook.id, { delivery: id, delivered: false }) })
  const over = delivery.data && delivery.data.status !== 'pending'
  const test = delivery.data?.type === 'orak.webhook.ping'
  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title={delivery.data ? eventName(delivery.data.type, t) : t('deliveryOne')}
      actions={
        <>
          {over && !hook.paused && !test && (
            <Button onClick={() => again.mutate()} busy={again.isPending}>
              {t('redeliverOne')}
            </Button>
          )}
          <Button kind="primary" onClick={onClose}>
            {t('shell:state.close')}
          </Button>
        </>
      }
    >
      <Loaded query={delivery}>{(found) => <Facts delivery={found} />}</Loaded>
      {over && hook.paused && !test && <p className={styles.soft}>{t('resumeFirst')}</p>}
      {again.data && <Notice>{again.data.started > 0 ? t('redelivered') : t('redeliverSkipped')}</Notice>}
      {again.error && (
        <Notice tone="bad">
          <ProblemText error={again.error} />
        </Notice>
      )}
    </Dialog>
  )
}

const reasons = ['refused', 'waiting', 'gone', 'paused', 'removed'] as const

function Facts({ delivery }: { delivery: Delivery }) {
  const { t } = useTranslation('webhooks')
  const format = useFormat()
  const tries = delivery.attempts
  const reason = reasons.find((one) => one === tries?.ended)
  return (
    <>
      <div className={styles.row} role="status">
        <DeliveryStatus delivery={delivery} />
        {delivery.status === 'failed' && (reason ? t(`failedAs.${reason}`) : tries?.message)}
        {delivery.status === 'pending' && tries?.next_at && (
          <span>
            {t('nextAttempt')} <Time at={tries.next_at} />
          </span>
        )}
      </div>
      <dl className={styles.facts}>
        <dt>{t('happened')}</dt>
        <dd>
          <Time at={delivery.at} exact />
        </dd>
        <dt>{t('started')}</dt>
        <dd>
          <Time at={delivery.started_at} exact />
        </dd>
        {delivery.ended_at && (
          <>
            <dt>{t('ended')}</dt>
            <dd>
              <Time at={delivery.ended_at} exact />
            </dd>
          </>
        )}
        {tries && (
          <>
            <dt>{t('attempts')}</dt>
            <dd>{format.number(tries.made)}</dd>
          </>
        )}
        {tries?.last_at && (
          <>
            <dt>{t('lastAttempt')}</dt>
            <dd>
              <Time at={tries.last_at} exact />
            </dd>
          </>
        )}
        {tries?.last_status ? (
          <>
            <dt>{t('lastStatus')}</dt>
            <dd className="numeric">{tries.last_status}</dd>
          </>
        ) : null}
        {tries?.last_error && (
          <>
            <dt>{t('lastError')}</dt>
            <dd lang="en">{tries.last_error}</dd>
          </>
        )}
        <dt>{t('eventId')}</dt>
        <dd>
          <code>{delivery.event_id}</code>
        </dd>
        <dt>{t('type')}</dt>
        <dd>
          <code>{delivery.type}</code>
        </dd>
      </dl>
    </>
  )
}
