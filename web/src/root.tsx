import { createRootRoute } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { State } from './design/State'
import { Shell } from './shell/Shell'

function NotFound() {
  const { t } = useTranslation()
  return (
    <State title={t('state.notFoundTitle')} action={<a href="/">{t('state.home')}</a>}>
      {t('state.notFound')}
    </State>
  )
}

/** The route above all pages. */
export const root = createRootRoute({ component: Shell, notFoundComponent: NotFound })
