import { useTranslation } from 'react-i18next'
import { Badge } from '../../design/Badge'
import type { Hook } from './requests'

/** Whether a webhook is paused because it failed, and not by a person. */
export function pausedItself(hook: Hook): boolean {
  return hook.paused?.by === 'orak'
}

/** Whether a webhook sends. */
export function HookStatus({ hook }: { hook: Hook }) {
  const { t } = useTranslation('webhooks')
  if (!hook.paused) return <Badge tone="good">{t('active')}</Badge>
  return pausedItself(hook) ? <Badge tone="bad">{t('failing')}</Badge> : <Badge tone="warn">{t('paused')}</Badge>
}
