import { Link } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '../../design/Button'
import { Copy } from '../../design/Copy'
import { ProblemText } from '../../design/ProblemText'
import { Progress } from '../../design/Progress'
import { useFormat } from '../../format/format'
import { byReason, type Refusal, type Report } from './bulk'
import styles from './OperationPanel.module.css'
import { dismiss, type Operation, retry, useOperation, useReport } from './operation'

/** How far the bulk decision is, and what came of it. Nothing is shown without one. */
export function OperationPanel() {
  const operation = useOperation()
  return operation ? <Panel operation={operation} key={operation.id} /> : null
}

function Panel({ operation }: { operation: Operation }) {
  const { t } = useTranslation('letters')
  const { bulk, decision } = operation
  const report = useReport(bulk)
  const open = report.phase !== 'done' && report.phase !== 'stopped'
  const ended = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    if (!open) ended.current?.focus()
  }, [open])
  const panel = useRef<HTMLElement>(null)
  useEffect(() => {
    panel.current?.scrollIntoView({ block: 'nearest' })
  }, [])
  const done = report.decided + report.already.length + report.failed.length
  return (
    <section ref={panel} className={styles.panel} aria-label={t('bulk.label')}>
      <div className={styles.head}>
        <h2 ref={ended} tabIndex={-1}>
          {t(`bulk.${decision.kind}.${report.phase === 'waiting' ? 'running' : report.phase}`)}
        </h2>
        <div className={styles.actions}>
          {open && (
            <Button small onClick={bulk.stop} busy={report.phase === 'stopping'}>
              {t('bulk.stop')}
            </Button>
          )}
          {!open && report.failed.length > 0 && (
            <Button small kind="primary" onClick={() => retry(operation)}>
              {t('bulk.retry', { count: report.failed.length })}
            </Button>
          )}
          {!open && (
            <Button small onClick={dismiss}>
              {t('bulk.dismiss')}
            </Button>
          )}
        </div>
      </div>
      <Progress
        label={t('bulk.progress')}
        value={done}
        max={Math.max(report.total, done, 1)}
        tone={report.failed.length > 0 ? 'warn' : 'plain'}
        text={t('bulk.of', { done, total: Math.max(report.total, done) })}
      />
      <Tally report={report} done={done} />
      <Waiting report={report} />
      {report.broken && (
        <p className={styles.bad} role="alert">
          {t('bulk.broken')} <ProblemText error={report.broken} />
        </p>
      )}
      {!open && <Outcomes title={t('bulk.failedTitle')} refusals={report.failed} begins="open" />}
      {!open && <Outcomes title={t('bulk.alreadyTitle')} refusals={report.already} />}
    </section>
  )
}

function Tally({ report, done }: { report: Report; done: number }) {
  const { t } = useTranslation('letters')
  return (
    <p className={styles.tally}>
      <span className="numeric">{t('bulk.of', { done, total: Math.max(report.total, done) })}</span>
      <span className="numeric">{t('bulk.decided', { count: report.decided })}</span>
      {report.already.length > 0 && (
        <span className="numeric">{t('bulk.already', { count: report.already.length })}</span>
      )}
      {report.failed.length > 0 && (
        <strong className={`numeric ${styles.bad}`}>{t('bulk.failed', { count: report.failed.length })}</strong>
      )}
    </p>
  )
}

function Waiting({ report }: { report: Report }) {
  const { t } = useTranslation('letters')
  const format = useFormat()
  if (!report.waiting) return null
  const time = format.clock(new Date(report.waiting.until))
  return (
    <p className={styles.warn} role="status">
      {t('bulk.waiting', { time })} <ProblemText error={report.waiting.problem} />
    </p>
  )
}

/** The most letters of one reason that are listed; all of them can be copied. */
const listed = 50

function Outcomes({ title, refusals, begins }: { title: string; refusals: Refusal[]; begins?: 'open' }) {
  const { t } = useTranslation('letters')
  if (refusals.length === 0) return null
  return (
    <details className={styles.outcomes} open={begins === 'open'}>
      <summary>{title}</summary>
      {byReason(refusals).map(({ problem, letters }) => (
        <div key={problem.code + problem.message} className={styles.reason}>
          <div className={styles.head}>
            <p>
              <strong className="numeric">{t('bulk.uploads', { count: letters.length })}</strong>{' '}
              <ProblemText error={problem} />
            </p>
            <Copy text={letters.map(({ id }) => id).join('\n')} label={t('bulk.copyIds')} />
          </div>
          <ul className={styles.list}>
            {letters.slice(0, listed).map((letter) => (
              <li key={letter.id}>
                <Link to="/operate/dead-letters/$id" params={{ id: letter.id }}>
                  {letter.filename || letter.id}
                </Link>
              </li>
            ))}
          </ul>
          {letters.length > listed && <p>{t('bulk.andMore', { count: letters.length - listed })}</p>}
        </div>
      ))}
    </details>
  )
}
