import { useTranslation } from 'react-i18next'
import { useTitle } from '../shell/title'

/** The recordings of the tenant, with filters that live in the address. */
export function Recordings() {
  const { t } = useTranslation('singer')
  useTitle(t('title'))
  return <h1>{t('title')}</h1>
}
