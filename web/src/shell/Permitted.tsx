import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { State } from '../design/State'
import { type Scope, usePermitted } from '../session/session'

/** A page that needs a scope, or words on why it is not shown. */
export function Permitted({ scope, children }: { scope: Scope; children: ReactNode }) {
  const { t } = useTranslation()
  if (usePermitted(scope)) return children
  return (
    <State page title={t('state.forbiddenTitle')}>
      {t('state.forbidden', { scope })}
    </State>
  )
}
