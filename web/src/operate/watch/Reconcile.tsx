import { useMutation, useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '../../api/client'
import { queries } from '../../api/queries'
import { Badge } from '../../design/Badge'
import { Button } from '../../design/Button'
import { Notice, type Tone } from '../../design/Notice'
import { PageHead } from '../../design/PageHead'
import { ProblemText } from '../../design/ProblemText'
import { Loaded } from '../../design/State'
import { Table } from '../../design/Table'
import { Time } from '../../design/Time'
import { useFormat } from '../../format/format'
import { useTitle } from '../../shell/title'
import { Fresh } from '../Fresh'
import { reconcile, reconcileQuery } from './api'
import styles from './watch.module.css'

type Run = Schemas['Reconciliation']
type Step = Schemas['ReconcileStep']

/** What the reconciliation found and repaired, and a way to run it now. */
export function ReconcilePage() {
  const { t } = useTranslation('watch')
  useTitle(t('reconcile.title'))
  const query = useQuery(reconcileQuery)
  const now = useMutation({
    mutationFn: reconcile,
    onSuccess: () => queries.invalidateQueries({ queryKey: ['reconcile'] }),
  })
  const asked = now.data?.requested_at
  const begun = query.data?.runs.some((run) => asked !== undefined && run.began_at >= asked)
  return (
    <>
      <PageHead
        title={t('reconcile.title')}
        lead={t('reconcile.lead')}
        actions={
          <>
            <Fresh query={query} />
            <Button kind="primary" busy={now.isPending} onClick={() => now.mutate()}>
              {t('reconcile.now')}
            </Button>
          </>
        }
      />
      {now.error && (
        <Notice tone="bad">
          <ProblemText error={now.error} />
        </Notice>
      )}
      {asked && !now.error && <Notice>{t(begun ? 'reconcile.begun' : 'reconcile.requested')}</Notice>}
      <Loaded query={query}>
        {(found) => (
          <>
            {found.paused && <Notice tone="warn">{t('reconcile.paused')}</Notice>}
            {found.next_at && !found.paused && (
              <p className={styles.soft}>
                {t('reconcile.next')} <Time at={found.next_at} />
              </p>
            )}
            <Runs runs={found.runs} />
          </>
        )}
      </Loaded>
    </>
  )
}

const tones: Record<string, Tone> = { running: 'plain', completed: 'good' }
const statuses = ['running', 'completed', 'failed', 'canceled', 'terminated', 'timed_out'] as const
const repairs = ['published', 'started', 'restarted', 'rewritten'] as const
const findings = [...repairs, 'dropped', 'stuck', 'strays', 'failing', 'errors'] as const

function total(run: Run, names: readonly (keyof Step)[]): number {
  return run.steps.reduce((sum, step) => sum + names.reduce((inner, name) => inner + Number(step[name]), 0), 0)
}

function Runs({ runs }: { runs: Run[] }) {
  const { t } = useTranslation('watch')
  const format = useFormat()
  function number(value: number, bad = false) {
    return value > 0 && bad ? <strong className={styles.bad}>{format.number(value)}</strong> : format.number(value)
  }
  function status(run: Run): string {
    const known = statuses.find((name) => name === run.status)
    return known ? t(`reconcile.status.${known}`) : run.status
  }
  return (
    <Table
      label={t('reconcile.title')}
      empty={t('reconcile.none')}
      rows={runs}
      rowKey={(run) => run.run_id}
      columns={[
        { key: 'began', head: t('reconcile.began'), names: true, cell: (run) => <Time at={run.began_at} /> },
        {
          key: 'status',
          head: t('reconcile.statusHead'),
          cell: (run) => (
            <>
              <Badge tone={tones[run.status] ?? 'bad'}>{status(run)}</Badge>
              {run.gave_up && run.gave_up.length > 0 && (
                <p className={styles.bad}>{t('reconcile.gaveUp', { steps: run.gave_up.join(', ') })}</p>
              )}
            </>
          ),
        },
        {
          key: 'took',
          head: t('reconcile.took'),
          numeric: true,
          cell: (run) => run.ended_at && format.span((Date.parse(run.ended_at) - Date.parse(run.began_at)) / 1000),
        },
        {
          key: 'examined',
          head: t('reconcile.examined'),
          numeric: true,
          cell: (run) => number(total(run, ['examined'])),
        },
        { key: 'repaired', head: t('reconcile.repaired'), numeric: true, cell: (run) => number(total(run, repairs)) },
        { key: 'stuck', head: t('reconcile.stuck'), numeric: true, cell: (run) => number(total(run, ['stuck']), true) },
        {
          key: 'failing',
          head: t('reconcile.failing'),
          numeric: true,
          cell: (run) => number(total(run, ['failing']), true),
        },
        {
          key: 'errors',
          head: t('reconcile.errors'),
          numeric: true,
          cell: (run) => number(total(run, ['errors']), true),
        },
        {
          key: 'steps',
          head: t('reconcile.steps'),
          cell: (run) => run.steps.length > 0 && <Steps run={run} />,
        },
        {
          key: 'link',
          head: t('temporal'),
          headHidden: true,
          cell: (run) =>
            run.web_ui && (
              <a href={run.web_ui} target="_blank" rel="noreferrer">
                {t('temporal')}
              </a>
            ),
        },
      ]}
    />
  )
}

const steps = ['outbox', 'missing', 'closed', 'letters', 'tasks'] as const

function Steps({ run }: { run: Run }) {
  const { t } = useTranslation('watch')
  function line(step: Step): string {
    const known = steps.find((name) => name === step.step)
    const found = findings
      .filter((name) => step[name] > 0)
      .map((name) => t(`reconcile.finding.${name}`, { number: step[name] }))
    const examined = t('reconcile.finding.examined', { number: step.examined })
    return `${known ? t(`reconcile.step.${known}`) : step.step}: ${[examined, ...found].join(', ')}`
  }
  return (
    <details className={styles.details}>
      <summary>{t('reconcile.stepsOf', { count: run.steps.length })}</summary>
      <ul className={styles.steps}>
        {run.steps.map((step) => (
          <li key={step.step}>{line(step)}</li>
        ))}
      </ul>
    </details>
  )
}
