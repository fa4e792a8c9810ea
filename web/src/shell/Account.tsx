import { lazy, Suspense, useState } from 'react'
import type { Session } from '../session/session'
import { AccountButton } from './AccountButton'

const AccountMenu = lazy(() => import('./AccountMenu').then((module) => ({ default: module.AccountMenu })))

/** The account's menu, whose code is loaded when it is first opened. */
export function Account({ session }: { session: Session }) {
  const [opened, setOpened] = useState(false)
  const button = <AccountButton aria-expanded={false} onClick={() => setOpened(true)} />
  if (!opened) return button
  return (
    <Suspense fallback={button}>
      <AccountMenu session={session} />
    </Suspense>
  )
}
