import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '../../api/client'
import { queries } from '../../api/queries'
import { Badge } from '../../design/Badge'
import { Button, buttonLink } from '../../design/Button'
import { Dialog } from '../../design/Dialog'
import { Field } from '../../design/Field'
import { Json } from '../../design/Json'
import { Notice } from '../../design/Notice'
import { PageHead } from '../../design/PageHead'
import { ProblemText } from '../../design/ProblemText'
import { Failed, Loading } from '../../design/State'
import { Table } from '../../design/Table'
import { Tabs } from '../../design/Tabs'
import { Time } from '../../design/Time'
import { say } from '../../design/Toast'
import { useFormat } from '../../format/format'
import { usePermitted, useSession } from '../../session/session'
import { Permitted } from '../../shell/Permitted'
import { useTitle } from '../../shell/title'
import { EventTable } from '../EventTable'
import { Facts } from '../Facts'
import { Fresh } from '../Fresh'
import { useWords } from '../words'
import { cancel, type History, historyQuery, uploadQuery } from './api'
import { HistoryTimeline } from './HistoryTimeline'
import { isFinal, toneOf } from './status'
import styles from './UploadPage.module.css'

const route = getRouteApi('/operate/uploads/$id')

/** One upload: what happened to it, how it is processed, and where else to look. */
export function UploadPage() {
  return (
    <Permitted scope="read">
      <One />
    </Permitted>
  )
}

function One() {
  const { id } = route.useParams()
  const { t } = useTranslation('inspect')
  const history = useQuery({ ...historyQuery(id), refetchInterval: 5_000 })
  const tenant = history.data?.tenant
  const everywhere = useSession()?.all_tenants ?? false
  const upload = useQuery({
    ...uploadQuery(id, tenant),
    // Only the history says whose upload it is, where it may be anybody's; without it, it may still be one's own.
    enabled: !everywhere || history.data !== undefined || history.failureCount > 0,
    placeholderData: keepPreviousData,
    refetchInterval: 5_000,
  })
  useTitle(upload.data?.filename || t('upload.title'))
  if (upload.data) return <Known upload={upload.data} query={upload} history={history} />
  // The history says it as well as the upload does if both are refused.
  const error = upload.error ?? history.error
  return error ? <Failed error={error} retry={() => void history.refetch()} /> : <Loading />
}

type HistoryRead = { data: History | undefined; error: Error | null; dataUpdatedAt: number }

type UploadRead = { data: unknown; error: Error | null; dataUpdatedAt: number }

type KnownProps = { upload: Schemas['Upload']; query: UploadRead; history: HistoryRead }

function Known({ upload, query, history }: KnownProps) {
  const { t } = useTranslation('inspect')
  const words = useWords()
  const format = useFormat()
  const facts: [string, ReactNode][] = [
    [t('fact.received'), <Time key="t" at={upload.created_at} />],
    [t('fact.changed'), <Time key="t" at={upload.updated_at} />],
    [t('fact.stage'), upload.stage && words.stage(upload.stage)],
    [t('fact.attempt'), upload.attempt || null],
    [t('fact.progress'), upload.stage_progress !== undefined && format.percent(upload.stage_progress)],
    [t('fact.tenant'), history.data?.tenant],
    [t('fact.owner'), upload.owner],
    [t('fact.kind'), t(`kind.${upload.kind}`)],
    [t('fact.size'), upload.size && format.size(upload.size)],
    [t('fact.type'), upload.content_type],
    [t('fact.id'), <code key="c">{upload.id}</code>],
    [t('fact.sha256'), upload.sha256 && <code key="c">{upload.sha256}</code>],
  ]
  return (
    <>
      <Link to="/operate/uploads" className={styles.back}>
        ← {t('upload.all')}
      </Link>
      <PageHead
        title={upload.filename || upload.id}
        lead={
          <>
            <Badge tone={toneOf(upload.status)}>{words.status(upload.status)}</Badge> <Fresh query={query} />
          </>
        }
        actions={<Actions upload={upload} tenant={history.data?.tenant} />}
      />
      {upload.failure && (
        <Notice tone="warn">
          <strong>
            {words.stage(upload.failure.stage)} · {words.class(upload.failure.class)}
          </strong>
          <p>{upload.failure.message}</p>
        </Notice>
      )}
      {upload.halted && <Notice tone="bad">{t('upload.halted')}</Notice>}
      <Facts facts={facts} />
      <Views upload={upload} history={history} />
    </>
  )
}

function Actions({ upload, tenant }: { upload: Schemas['Upload']; tenant: string | undefined }) {
  const { t } = useTranslation('inspect')
  const [asked, setAsked] = useState(false)
  const may = usePermitted('upload')
  return (
    <>
      {upload.status === 'dead_lettered' && (
        <Link to="/operate/dead-letters/$id" params={{ id: upload.id }} className={buttonLink('primary')}>
          {t('upload.decide')}
        </Link>
      )}
      {upload.status === 'completed' && !tenant && (
        <Link to="/uploads/$id" params={{ id: upload.id }} className={buttonLink()}>
          {t('upload.result')}
        </Link>
      )}
      {may && !isFinal(upload.status) && (
        <Button kind="danger" onClick={() => setAsked(true)}>
          {t('upload.cancel')}
        </Button>
      )}
      {asked && <CancelDialog upload={upload} tenant={tenant} onClose={() => setAsked(false)} />}
    </>
  )
}

type CancelProps = { upload: Schemas['Upload']; tenant: string | undefined; onClose: () => void }

function CancelDialog({ upload, tenant, onClose }: CancelProps) {
  const { t } = useTranslation('inspect')
  const [reason, setReason] = useState('')
  const attempt = useMutation({
    mutationFn: () => cancel(upload.id, tenant, reason.trim()),
    onSuccess: () => {
      say(t('cancel.done'))
      onClose()
    },
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: ['upload', upload.id] })
      void queries.invalidateQueries({ queryKey: ['uploads'] })
    },
  })
  return (
    <Dialog
      open
      onClose={onClose}
      title={t('cancel.title')}
      actions={
        <>
          <Button onClick={onClose}>{t('cancel.keep')}</Button>
          <Button kind="danger" busy={attempt.isPending} onClick={() => attempt.mutate()}>
            {t('cancel.submit')}
          </Button>
        </>
      }
    >
      <p>{t('cancel.means')}</p>
      {attempt.error && (
        <Notice tone="bad">
          <ProblemText error={attempt.error} />
        </Notice>
      )}
      <Field label={t('cancel.reason')}>
        <input value={reason} maxLength={500} onChange={(event) => setReason(event.target.value)} />
      </Field>
    </Dialog>
  )
}

function Views({ upload, history }: { upload: Schemas['Upload']; history: HistoryRead }) {
  const { t } = useTranslation('inspect')
  const { view = 'timeline' } = route.useSearch()
  const navigate = route.useNavigate()
  return (
    <Tabs
      label={t('upload.views')}
      value={view}
      onChoose={(chosen) => void navigate({ search: { view: chosen }, replace: true })}
      tabs={[
        { value: 'timeline', title: t('upload.timeline'), content: <Timelines history={history} /> },
        { value: 'options', title: t('upload.options'), content: <Options history={history.data} /> },
        {
          value: 'json',
          title: 'JSON',
          content: <Json value={{ upload, history: history.data }} label="JSON" />,
        },
      ]}
    />
  )
}

function Timelines({ history }: { history: HistoryRead }) {
  const { t } = useTranslation('inspect')
  if (!history.data) {
    return history.error ? (
      <Notice tone="warn">
        {t('upload.noHistory')} <ProblemText error={history.error} />
      </Notice>
    ) : (
      <Loading />
    )
  }
  return <HistoryTimeline history={history.data} />
}

function Options({ history }: { history: History | undefined }) {
  const { t } = useTranslation('inspect')
  const format = useFormat()
  const options = history?.options
  const span = (seconds: number | undefined) => seconds && format.span(seconds)
  return (
    <div className={styles.options}>
      {options ? (
        <Facts
          facts={[
            [t('option.lane'), `${options.lane} (${options.priority})`],
            [t('option.restarts'), options.restarts],
            [t('option.park'), span(options.park_for_seconds)],
            [t('option.convert'), span(options.convert_timeout_seconds)],
            [t('option.analyze'), span(options.analyze_timeout_seconds)],
            [t('option.publish'), span(options.publish_timeout_seconds)],
          ]}
        />
      ) : (
        <p className={styles.soft}>{t('option.none')}</p>
      )}
      <h2>{t('option.runs')}</h2>
      <Table
        label={t('option.runs')}
        empty={t('option.noRuns')}
        rows={history?.runs ?? []}
        rowKey={(run) => run.run_id}
        columns={[
          { key: 'run', head: t('run.id'), names: true, cell: (run) => <code>{run.run_id}</code> },
          { key: 'status', head: t('run.status'), cell: (run) => run.status },
          { key: 'began', head: t('run.began'), cell: (run) => <Time at={run.began_at} /> },
          { key: 'ended', head: t('run.ended'), cell: (run) => run.ended_at && <Time at={run.ended_at} /> },
          { key: 'events', head: t('run.events'), numeric: true, cell: (run) => format.number(run.events) },
          {
            key: 'link',
            head: t('run.link'),
            headHidden: true,
            cell: (run) =>
              run.web_ui && (
                <a href={run.web_ui} target="_blank" rel="noreferrer">
                  {t('run.link')}
                </a>
              ),
          },
        ]}
      />
      <h2>{t('option.event')}</h2>
      <EventTable event={options?.event} />
    </div>
  )
}
