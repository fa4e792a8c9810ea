import { Link, type LinkProps, Outlet, useRouterState } from '@tanstack/react-router'
import { Suspense, useEffect, useRef } from 'react'
import { Loading } from '../design/State'
import { Toasts } from '../design/Toast'
import { type Scope, useSession } from '../session/session'
import styles from './Section.module.css'

/** A page of a section. */
export type SectionLink = {
  to: LinkProps['to']
  title: string
  /** Only shown with this scope. */
  scope?: Scope
  /** Active on this page alone, not on those below it. */
  exact?: boolean
  /** How many things wait there, if any. */
  count?: number
}

/** The pages of a part of the console: beside the page where there is room, above it where there is not. */
export function Section({ label, links }: { label: string; links: SectionLink[] }) {
  const scopes = useSession()?.scopes ?? []
  const strip = useRef<HTMLElement>(null)
  const path = useRouterState({ select: (state) => state.location.pathname })
  // On a phone the strip of links may begin with others than that of the page.
  useEffect(() => {
    const active = path && strip.current?.querySelector('[data-status="active"]')
    if (active) active.scrollIntoView({ block: 'nearest', inline: 'center' })
  }, [path])
  return (
    <div className={styles.section}>
      <nav aria-label={label} className={styles.links} ref={strip}>
        {links.map(
          (link) =>
            (!link.scope || scopes.includes(link.scope)) && (
              <Link key={link.to} to={link.to} activeOptions={{ exact: link.exact ?? false, includeSearch: false }}>
                {link.title}
                {link.count ? <span className={styles.count}>{link.count}</span> : null}
              </Link>
            ),
        )}
      </nav>
      <div className={styles.page}>
        <Suspense fallback={<Loading />}>
          <Outlet />
        </Suspense>
      </div>
      <Toasts />
    </div>
  )
}
