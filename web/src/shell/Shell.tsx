import { useQuery } from '@tanstack/react-query'
import { Link, Outlet, useRouterState } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useLiveUploads } from '../api/live'
import { Quiet } from '../design/Quiet'
import { Loaded, Loading, useOnline } from '../design/State'
import { openedAfter, openedWith } from '../session/code'
import { luggage } from '../session/left'
import { type Session, sessionQuery } from '../session/session'
import { Account } from './Account'
import styles from './Shell.module.css'
import { Wordmark } from './Wordmark'

const loadLogin = () => import('../session/Login').then((module) => ({ default: module.Login }))
const Login = lazy(loadLogin)
const Left = lazy(() => import('../luggage/Left').then((module) => ({ default: module.Left })))

/** The frame of every page. Without a session it asks for one, and the page follows once there is one. */
export function Shell() {
  const session = useQuery(sessionQuery)
  const [code, setCode] = useState(openedWith)
  const [failed, setFailed] = useState(openedAfter)
  const authenticated = session.data?.authenticated ?? false
  useEffect(() => {
    if (!authenticated) return
    setFailed(undefined) // a later login is another one
    // The session may end long after an update has removed this code from the server; so may the way to the provider.
    // The first page does not wait for it.
    const parts = () => Promise.all([loadLogin(), import('../luggage/leave')])
    const later = setTimeout(() => parts().catch(() => {}), 5_000)
    return () => clearTimeout(later)
  }, [authenticated])
  if (!session.data) {
    return (
      <main className={styles.main}>
        <Loaded query={session}>{() => null}</Loaded>
      </main>
    )
  }
  // A code is redeemed even with a session: it may be of somebody else. If it is refused, the session goes on.
  if (code || !session.data.authenticated) {
    return (
      <Suspense fallback={<Loading />}>
        <Login session={session.data} code={code} failed={failed} onTried={() => setCode(undefined)} />
      </Suspense>
    )
  }
  return <Frame session={session.data} />
}

function Frame({ session }: { session: Session }) {
  const { t } = useTranslation()
  const online = useOnline()
  const main = useRef<HTMLElement>(null)
  const may = (scope: string) => session.scopes?.includes(scope as 'read') ?? false
  useLiveUploads(may('read'))
  useFocusOnNavigation(main)
  return (
    <>
      <a className={styles.skip} href="#content">
        {t('nav.skip')}
      </a>
      <header className={styles.bar}>
        <Link to="/" className={styles.home} aria-label="orak">
          <Wordmark />
        </Link>
        <nav aria-label={t('nav.label')} className={styles.links}>
          {may('upload') && (
            <Link to="/" activeOptions={{ exact: true }}>
              {t('nav.sing')}
            </Link>
          )}
          {may('read') && <Link to="/uploads">{t('nav.uploads')}</Link>}
          {may('operate') && <Link to="/operate">{t('nav.operate')}</Link>}
          {may('admin') && <Link to="/admin">{t('nav.admin')}</Link>}
        </nav>
        <Account session={session} />
      </header>
      <div role="status">{!online && <div className={styles.offline}>{t('state.offline')}</div>}</div>
      <main id="content" className={styles.main} tabIndex={-1} ref={main}>
        {sessionStorage.getItem(luggage) && (
          <Quiet>
            <Suspense>
              <Left />
            </Suspense>
          </Quiet>
        )}
        <Suspense fallback={<Loading />}>
          <Outlet />
        </Suspense>
      </main>
    </>
  )
}

/** Moves the focus to the new page, so that keyboards and screen readers begin there; the first page keeps the browser's. */
function useFocusOnNavigation(main: React.RefObject<HTMLElement | null>) {
  const path = useRouterState({ select: (state) => state.location.pathname })
  const before = useRef(path)
  useEffect(() => {
    if (before.current === path) return
    before.current = path
    main.current?.focus({ preventScroll: true })
  }, [path, main])
}
