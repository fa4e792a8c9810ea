import { useTranslation } from 'react-i18next'
import { useTitle } from '../shell/title'

/** What needs a person now. */
export function Home() {
  const { t } = useTranslation('operate')
  useTitle(t('title'))
  return <h1>{t('title')}</h1>
}
