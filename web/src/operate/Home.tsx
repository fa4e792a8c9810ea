import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '../api/client'
import { Notice } from '../design/Notice'
import { PageHead } from '../design/PageHead'
import { Loaded } from '../design/State'
import { Time } from '../design/Time'
import { useTitle } from '../shell/title'
import { attentionQuery } from './attention'
import { Fresh } from './Fresh'
import styles from './Home.module.css'
import { Next } from './Next'
import { useWords } from './words'

type Attention = Schemas['Attention']
type Item = Schemas['AttentionItem']

/** What needs a person now, each with the next step; and if nothing does, that it was looked at. */
export function Home() {
  const { t } = useTranslation('operate')
  useTitle(t('home.title'))
  const query = useQuery({ ...attentionQuery, refetchInterval: 5_000 })
  return (
    <>
      <PageHead title={t('home.title')} actions={<Fresh query={query} />} />
      <Loaded query={query}>{(attention) => <Found attention={attention} />}</Loaded>
    </>
  )
}

const parts = ['dead_letters', 'outages', 'lag', 'stuck', 'reconcile', 'webhooks', 'workflow_tasks'] as const

function Found({ attention }: { attention: Attention }) {
  const { t } = useTranslation('operate')
  const words = useWords()
  const missing = attention.unavailable ?? []
  const named = missing.map(({ part, dependency }) => {
    const known = parts.find((name) => name === part)
    return `${known ? t(`home.part.${known}`) : part} (${words.dependency(dependency)})`
  })
  return (
    <>
      {missing.length > 0 && <Notice tone="warn">{t('home.unavailable', { parts: named.join(', ') })}</Notice>}
      {attention.items.length > 0 ? (
        <section aria-label={t('home.list')} className={styles.found}>
          <p role="status" className={styles.soft}>
            {t('home.items', { count: attention.items.length })}
          </p>
          <ul className={styles.items}>
            {attention.items.map((item) => (
              <Row key={`${item.kind} ${item.subject} ${item.tenant ?? ''}`} item={item} />
            ))}
          </ul>
        </section>
      ) : (
        <Quiet sure={missing.length === 0} at={attention.checked_at} />
      )}
    </>
  )
}

/** Nothing was found; `sure` if everything could be looked at. */
function Quiet({ sure, at }: { sure: boolean; at: string }) {
  const { t } = useTranslation('operate')
  return (
    <div className={styles.quiet} role="status">
      {sure && (
        <svg
          viewBox="0 0 24 24"
          width="36"
          height="36"
          aria-hidden="true"
          fill="none"
          stroke="currentColor"
          strokeWidth="2"
        >
          <circle cx="12" cy="12" r="9.5" />
          <path d="m7.5 12.3 3 3 6-6.6" strokeLinecap="round" strokeLinejoin="round" />
        </svg>
      )}
      <h2>{t(sure ? 'home.nothingTitle' : 'home.unknownTitle')}</h2>
      {sure && <p>{t('home.nothing')}</p>}
      <p className={styles.soft}>
        {t('home.checked')} <Time at={at} />
      </p>
    </div>
  )
}

function Row({ item }: { item: Item }) {
  const { t } = useTranslation('operate')
  const critical = item.severity === 'critical'
  const detail = detailOf(item)
  return (
    <li className={critical ? styles.critical : styles.warning}>
      <span className={styles.severity}>
        <svg
          viewBox="0 0 24 24"
          width="18"
          height="18"
          aria-hidden="true"
          fill="none"
          stroke="currentColor"
          strokeWidth="2"
        >
          {critical ? (
            <path d="M8.2 2.5h7.6l5.7 5.7v7.6l-5.7 5.7H8.2l-5.7-5.7V8.2z" />
          ) : (
            <path d="M12 3 1.8 20.5h20.4z" />
          )}
          <path d="M12 8.5v5m0 3v.2" strokeLinecap="round" />
        </svg>
        {t(critical ? 'home.critical' : 'home.warning')}
      </span>
      <div className={styles.what}>
        <p className={styles.title}>
          <Title item={item} />
        </p>
        {detail && (
          <p className={styles.soft} lang="en">
            {detail}
          </p>
        )}
      </div>
      <span className={styles.since}>
        {item.since && (
          <>
            {t('home.since')} <Time at={item.since} />
          </>
        )}
      </span>
      <span className={styles.next}>
        <Next item={item} />
      </span>
    </li>
  )
}

/** What the title does not say: the server's own words, which are English. */
function detailOf(item: Item): string | undefined {
  return item.kind === 'dead_letters' || item.kind === 'webhook_paused' ? undefined : item.detail
}

function Title({ item }: { item: Item }) {
  const { t } = useTranslation('operate')
  const words = useWords()
  const more = item.at_least ? '+' : ''
  switch (item.kind) {
    case 'dead_letters':
      return t('home.dead_letters', {
        count: item.count,
        stage: words.stage(item.stage ?? ''),
        class: words.class(item.class ?? ''),
      })
    case 'outage':
      return t('home.outage', { dependency: words.dependency(item.dependency ?? item.subject) })
    case 'lag':
      return t('home.lag', { group: item.group ?? item.subject })
    case 'stuck':
      return item.subject === 'reconcile' ? t('home.reconcile') : t('home.stuck', { count: item.count, more })
    case 'webhook_paused':
      return t('home.webhook_paused', { tenant: item.tenant })
    case 'workflow_tasks':
      return t('home.workflow_tasks', { count: item.count, more })
    default:
      return item.detail
  }
}
