import { useTranslation } from 'react-i18next'
import { useTitle } from '../shell/title'

/** Where a singer records or drops a file. */
export function Home() {
  const { t } = useTranslation('singer')
  useTitle(t('title'))
  return <h1>{t('title')}</h1>
}
