import { useTranslation } from 'react-i18next'
import { useTitle } from '../shell/title'

/** Where keys, tenants, settings and webhooks are managed. */
export function Home() {
  const { t } = useTranslation('admin')
  useTitle(t('title'))
  return <h1>{t('title')}</h1>
}
