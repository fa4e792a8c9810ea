import { useTranslation } from 'react-i18next'
import { useTitle } from '../shell/title'

/** What was found in a recording, or where it stands. */
export function Recording() {
  const { t } = useTranslation('singer')
  useTitle(t('title'))
  return <h1>{t('title')}</h1>
}
