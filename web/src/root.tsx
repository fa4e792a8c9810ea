import { createRootRoute } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { Button } from './design/Button'
import { State } from './design/State'
import { Shell } from './shell/Shell'

function NotFound() {
  const { t } = useTranslation()
  return (
    <State page title={t('state.notFoundTitle')} action={<a href="/">{t('state.home')}</a>}>
      {t('state.notFound')}
    </State>
  )
}

/** What is shown instead of a page that failed, such as one whose code is gone from the server after an update. */
export function Broken() {
  const { t } = useTranslation()
  return (
    <div role="alert">
      <State
        page
        title={t('state.brokenTitle')}
        action={<Button onClick={() => location.reload()}>{t('state.reload')}</Button>}
      >
        {t('state.broken')}
      </State>
    </div>
  )
}

/** The route above all pages. */
export const root = createRootRoute({ component: Shell, notFoundComponent: NotFound })
