import { onlineManager } from '@tanstack/react-query'
import { type ReactNode, useSyncExternalStore } from 'react'
import { useTranslation } from 'react-i18next'
import { Problem } from '../api/problem'
import { Button } from './Button'
import { ProblemText } from './ProblemText'
import styles from './State.module.css'

type Props = {
  title: string
  children?: ReactNode
  action?: ReactNode
  /** It is all that the page has, so that its title is the page's. */
  page?: boolean
}

/** The place of a view that has nothing to show: why, and what can be done. */
export function State({ title, children, action, page }: Props) {
  const Heading = page ? 'h1' : 'h2'
  return (
    <div className={styles.state}>
      <Heading>{title}</Heading>
      {children && <div>{children}</div>}
      {action}
    </div>
  )
}

/** The place of a view that is being loaded. */
export function Loading() {
  const { t } = useTranslation()
  return (
    <div className={styles.state} role="status" data-loading>
      <span className={styles.spinner} aria-hidden="true" />
      <span>{t('state.loading')}</span>
    </div>
  )
}

/** Whether the browser says that it has a connection. */
export function useOnline(): boolean {
  return useSyncExternalStore(
    (changed) => onlineManager.subscribe(changed),
    () => onlineManager.isOnline(),
  )
}

/** The place of a view that could not be loaded. */
export function Failed({ error, retry, page }: { error: Error; retry?: () => void; page?: boolean }) {
  const { t } = useTranslation()
  const online = useOnline()
  if (!online)
    return (
      <State page={page} title={t('state.offlineTitle')}>
        {t('state.offline')}
      </State>
    )
  if (error instanceof Problem && error.status === 404) {
    return (
      <State page={page} title={t('state.notFoundTitle')}>
        {t('state.notFound')}
      </State>
    )
  }
  return (
    <div role="alert">
      <State
        page={page}
        title={t('state.failedTitle')}
        action={retry && <Button onClick={retry}>{t('state.retry')}</Button>}
      >
        <ProblemText error={error} />
      </State>
    </div>
  )
}

type Read<T> = { data: T | undefined; error: Error | null; refetch: () => unknown }

/** What was read, or the state of reading it. Data that could not be read anew stays on the screen. */
export function Loaded<T>({ query, children }: { query: Read<T>; children: (data: T) => ReactNode }) {
  if (query.data !== undefined) return children(query.data)
  if (query.error) return <Failed error={query.error} retry={() => query.refetch()} />
  return <Loading />
}
