import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '../api/client'
import { buttonLink } from '../design/Button'
import { usePermitted } from '../session/session'
import { UploadLink } from './UploadLink'

/** The next step of what needs a person. */
export function Next({ item }: { item: Schemas['AttentionItem'] }) {
  const { t } = useTranslation('operate')
  const administers = usePermitted('admin')
  const [first, ...others] = item.uploads ?? []
  const look = buttonLink('plain', true)
  switch (item.kind) {
    case 'dead_letters':
      return (
        <Link
          to="/operate/dead-letters"
          search={{ stage: item.stage, class: item.class }}
          className={buttonLink('primary', true)}
        >
          {t('home.nextLetters')}
        </Link>
      )
    case 'outage':
      return (
        <Link to="/operate/outages" className={look}>
          {t('home.nextOutage')}
        </Link>
      )
    case 'lag':
      return (
        <Link to="/operate/lag" search={{ group: item.group }} className={look}>
          {t('home.nextLag')}
        </Link>
      )
    case 'webhook_paused':
      if (!administers) return null
      return (
        <Link
          to="/admin/webhooks/$id"
          params={{ id: item.webhook ?? item.subject }}
          search={{ tenant: item.tenant }}
          className={look}
        >
          {t('home.nextWebhook')}
        </Link>
      )
    default:
      if (!first || others.length > 0) {
        return (
          <>
            {item.uploads?.slice(0, 3).map((id, place) => (
              <UploadLink key={id} id={id} className={look}>
                {t('home.nextUploadOf', { number: place + 1 })}
              </UploadLink>
            ))}
            <Link to="/operate/reconcile" className={look}>
              {t('home.nextStuck')}
            </Link>
          </>
        )
      }
      return (
        <UploadLink id={first} className={look}>
          {t('home.nextUpload')}
        </UploadLink>
      )
  }
}
