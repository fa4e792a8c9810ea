import { useTranslation } from 'react-i18next'
import { Notice } from '../../design/Notice'
import { Time } from '../../design/Time'
import styles from '../admin.module.css'
import { pausedItself } from './HookStatus'
import type { Hook } from './requests'

/** Why a webhook is paused, and what to do. */
export function PausedNotice({ hook, pause }: { hook: Hook; pause: NonNullable<Hook['paused']> }) {
  const { t } = useTranslation('webhooks')
  const itself = pausedItself(hook)
  return (
    <Notice tone={itself ? 'bad' : 'warn'}>
      <div className={styles.group}>
        <strong>
          {itself ? t('pausedItself') : t('pausedBy', { by: pause.by })} <Time at={pause.at} />
        </strong>
        {pause.reason && <p lang={itself ? 'en' : undefined}>{pause.reason}</p>}
        <p>{itself ? t('pausedItselfDo') : t('pausedByDo')}</p>
      </div>
    </Notice>
  )
}
