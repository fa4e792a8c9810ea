import { useMutation } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Problem } from '../../api/problem'
import { queries } from '../../api/queries'
import { Button, buttonLink } from '../../design/Button'
import { Copy } from '../../design/Copy'
import { Json } from '../../design/Json'
import { Notice } from '../../design/Notice'
import { PageHead } from '../../design/PageHead'
import { ProblemText } from '../../design/ProblemText'
import { Tabs } from '../../design/Tabs'
import { Time } from '../../design/Time'
import { say } from '../../design/Toast'
import { isDecided } from '../bulk/bulk'
import { DecideDialog } from '../decide/DecideDialog'
import { EventTable } from '../EventTable'
import { Facts } from '../Facts'
import { Fresh } from '../Fresh'
import { isTyped } from '../list/keys'
import { UploadLink } from '../UploadLink'
import { useWords } from '../words'
import { type Decision, type Detail, decide } from './api'
import styles from './LetterDetail.module.css'
import { Marks } from './Marks'

const route = getRouteApi('/operate/dead-letters/$id')

type Read = { data: unknown; error: Error | null; dataUpdatedAt: number }

/** Everything about one dead letter, and the decision. */
export function LetterDetail({ letter, query }: { letter: Detail; query: Read }) {
  const { t } = useTranslation('letters')
  const words = useWords()
  const [asked, setAsked] = useState<Decision['kind']>()
  useKeys(asked === undefined, setAsked)
  return (
    <>
      <Link to="/operate/dead-letters" className={styles.back}>
        ← {t('detail.others')}
      </Link>
      <PageHead
        title={letter.filename || letter.id}
        lead={t('detail.lead', { stage: words.stage(letter.failure.stage), class: words.class(letter.failure.class) })}
        actions={
          <>
            <Button kind="primary" onClick={() => setAsked('reprocess')} aria-keyshortcuts="r">
              {t('decide.reprocessMany')}
            </Button>
            <Button kind="danger" onClick={() => setAsked('discard')} aria-keyshortcuts="d">
              {t('decide.discardMany')}
            </Button>
          </>
        }
      />
      <div>
        <Fresh query={query} />
      </div>
      <Notice tone="warn">
        <p className={styles.message}>{letter.failure.message}</p>
        <p className={styles.hint}>{hint(t, letter.failure.class)}</p>
      </Notice>
      <Overview letter={letter} />
      <Views letter={letter} />
      {asked && <One letter={letter} kind={asked} onClose={() => setAsked(undefined)} />}
    </>
  )
}

type T = ReturnType<typeof useTranslation<'letters'>>['t']

const hinted = ['input', 'transient', 'model', 'overload', 'dependency', 'internal'] as const

/** What usually helps, as the runbook says. */
function hint(t: T, kind: string): string {
  const known = hinted.find((name) => name === kind)
  return known ? t(`hint.${known}`) : ''
}

function useKeys(enabled: boolean, ask: (kind: Decision['kind']) => void) {
  const asks = useRef(ask)
  asks.current = ask
  useEffect(() => {
    if (!enabled) return
    function press(event: KeyboardEvent) {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyped(event.target)) return
      const kind = ({ r: 'reprocess', d: 'discard' } as const)[event.key]
      if (!kind) return
      event.preventDefault()
      asks.current(kind)
    }
    document.addEventListener('keydown', press)
    return () => document.removeEventListener('keydown', press)
  }, [enabled])
}

function One({ letter, kind, onClose }: { letter: Detail; kind: Decision['kind']; onClose: () => void }) {
  const { t } = useTranslation('letters')
  const [operation] = useState(() => crypto.randomUUID())
  const attempt = useMutation({
    mutationFn: (decision: Decision) => decide(letter, decision, operation),
    onSuccess: () => {
      say(t(`decide.${kind}Done`))
      onClose()
    },
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: ['dead-letters'] })
      void queries.invalidateQueries({ queryKey: ['upload', letter.id] })
      void queries.invalidateQueries({ queryKey: ['attention'] })
    },
  })
  const { error } = attempt
  return (
    <DecideDialog
      kind={kind}
      title={t(`decide.${kind}One`)}
      count={
        <>
          <p className={styles.wrap}>{letter.filename || letter.id}</p>
          {error && (
            <Notice tone={error instanceof Problem && isDecided(error) ? 'warn' : 'bad'}>
              {error instanceof Problem && isDecided(error) ? t('decide.faster') : <ProblemText error={error} />}
            </Notice>
          )}
        </>
      }
      failed={letter.failure.stage}
      busy={attempt.isPending}
      onClose={onClose}
      onDecide={attempt.mutate}
    />
  )
}

function Overview({ letter }: { letter: Detail }) {
  const { t } = useTranslation('letters')
  const facts: [string, ReactNode][] = [
    [t('fact.failed'), <Time key="t" at={letter.last_at} />],
    [t('fact.first'), <Time key="t" at={letter.first_at} />],
    [t('fact.expires'), letter.expires_at && <Time key="t" at={letter.expires_at} />],
    [t('fact.attempts'), letter.attempts],
    [t('fact.cycle'), letter.cycle],
    [t('fact.restarts'), letter.restarts || null],
    [t('fact.tenant'), letter.tenant],
    [t('fact.id'), <code key="c">{letter.id}</code>],
  ]
  return (
    <div className={styles.overview}>
      <Facts facts={facts} />
      <div className={styles.links}>
        <UploadLink id={letter.id} className={buttonLink('plain', true)}>
          {t('detail.upload')}
        </UploadLink>
        {letter.web_ui && (
          <a href={letter.web_ui} target="_blank" rel="noreferrer" className={buttonLink('plain', true)}>
            {t('detail.temporal')}
          </a>
        )}
      </div>
    </div>
  )
}

function Views({ letter }: { letter: Detail }) {
  const { t } = useTranslation('letters')
  const { view = 'timeline' } = route.useSearch()
  const navigate = route.useNavigate()
  return (
    <Tabs
      label={t('detail.views')}
      value={view}
      onChoose={(chosen) => void navigate({ search: (before) => ({ ...before, view: chosen }), replace: true })}
      tabs={[
        { value: 'timeline', title: t('detail.timeline'), content: <Marks marks={letter.timeline} /> },
        { value: 'event', title: t('detail.event'), content: <EventTable event={letter.event} /> },
        { value: 'commands', title: t('detail.commands'), content: <Commands commands={letter.commands} /> },
        { value: 'json', title: 'JSON', content: <Json value={letter} label="JSON" /> },
      ]}
    />
  )
}

function Commands({ commands }: { commands: Detail['commands'] }) {
  const { t } = useTranslation('letters')
  const lines = [commands.inspect, commands.reprocess, commands.discard].flatMap((command) => [
    command.orak,
    command.temporal,
    command.tctl,
  ])
  return (
    <div className={styles.commands}>
      <p className={styles.hint}>{t('detail.commandsHint')}</p>
      <ul>
        {lines.map((line) => (
          <li key={line}>
            <code>{line}</code>
            <Copy text={line} />
          </li>
        ))}
      </ul>
    </div>
  )
}
