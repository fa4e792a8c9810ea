import { useSyncExternalStore } from 'react'
import { useTranslation } from 'react-i18next'
import { Notice } from '../design/Notice'
import { missingNow, subscribe } from './back'

/** Says why a tab that is back from a login has not got what it left. */
export function Left() {
  const { t } = useTranslation('record')
  const missing = useSyncExternalStore(subscribe, missingNow)
  return missing && <Notice tone="warn">{t(`left.${missing}`)}</Notice>
}
