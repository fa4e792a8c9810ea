import { Link } from '@tanstack/react-router'
import { memo } from 'react'
import { useTranslation } from 'react-i18next'
import { Problem } from '../../api/problem'
import { Button } from '../../design/Button'
import { ProblemText } from '../../design/ProblemText'
import { Progress } from '../../design/Progress'
import { useFormat } from '../../format/format'
import { usePermitted } from '../../session/session'
import { reasonOf } from '../failure/words'
import { StageLine } from '../stages/StageLine'
import { underWay } from '../stages/upload'
import { useGlance } from '../stages/useLiveUpload'
import { again as goesOn } from './again'
import type { Sending } from './queue'
import styles from './SendingList.module.css'
import { sendings, useSendings } from './sendings'

/** What this tab sends, and what became of it. */
export function SendingList() {
  const { t } = useTranslation('singer')
  const items = useSendings()
  return (
    <section aria-labelledby="sending">
      <h2 id="sending">{t('send.title')}</h2>
      <ul className={styles.list}>
        {items.map((item) => (
          <Row key={item.key} item={item} />
        ))}
      </ul>
    </section>
  )
}

// Of hundreds of rows, those of the few that are being sent change many times a second.
const Row = memo(({ item }: { item: Sending }) => {
  const { t } = useTranslation('singer')
  return (
    <li className={styles.row}>
      <span className={styles.name}>{item.file.name}</span>
      <div className={styles.state}>
        <RowState item={item} />
      </div>
      <span className={styles.actions}>
        {item.state === 'failed' && again(item) && (
          <Button small onClick={() => sendings.again(item.key)}>
            {t('send.again')}
          </Button>
        )}
        <Button small kind="quiet" onClick={() => sendings.remove(item.key)}>
          {t(item.state === 'accepted' || item.state === 'failed' ? 'send.hide' : 'send.stop')}
          <span className="hidden-visually"> {item.file.name}</span>
        </Button>
      </span>
    </li>
  )
})

/** Whether sending the same file once more can help. */
function again(item: Sending): boolean {
  const status = item.problem?.status ?? 0
  return ![413, 415].includes(status) && (status !== 400 || (item.problem !== undefined && goesOn(item.problem)))
}

function RowState({ item }: { item: Sending }) {
  const { t } = useTranslation('singer')
  const format = useFormat()
  const mayRead = usePermitted('read')
  if (item.state === 'waiting') return <span>{t('send.waiting')}</span>
  if (item.state === 'elsewhere') return <span role="status">{t('send.elsewhere')}</span>
  if (item.state === 'failed') return <RowProblem item={item} />
  if (item.state === 'accepted' && item.upload && mayRead) return <Accepted id={item.upload} />
  if (item.state === 'accepted') return <span>{t('send.accepted')}</span>
  const share = item.file.size > 0 ? item.sent / item.file.size : 0
  return (
    <>
      <span className={styles.bar}>
        <Progress label={t('send.progress', { name: item.file.name })} value={share} text={format.percent(share)} />
      </span>
      <span role="status">
        {item.state !== 'interrupted' &&
          t('send.sent', { sent: format.size(item.sent), size: format.size(item.file.size) })}
        {item.state === 'interrupted' && <Interrupted problem={item.problem} />}
      </span>
    </>
  )
}

/** Why nothing is sent at the moment, though it goes on by itself. */
function Interrupted({ problem }: { problem: Problem | undefined }) {
  const { t } = useTranslation('singer')
  if (!problem || problem.status === 0) return <>{t('send.interrupted')}</>
  return (
    <>
      <ProblemText error={problem} /> {t('send.goesOn')}
    </>
  )
}

function RowProblem({ item }: { item: Sending }) {
  const { t } = useTranslation('singer')
  const problem = item.problem ?? Problem.offline('')
  return (
    <span role="alert" className={styles.problem}>
      {problem.status === 415 && t('send.notAudio')}
      {problem.status === 413 && t('send.tooLarge')}
      {problem.status !== 415 && problem.status !== 413 && <ProblemText error={problem} />}
    </span>
  )
}

function Accepted({ id }: { id: string }) {
  const { t } = useTranslation('singer')
  const { data: upload, error } = useGlance(id)
  if (error && !upload) return <ProblemText error={error} />
  if (!upload) return <span>{t('send.accepted')}</span>
  const link = (
    <Link to="/uploads/$id" params={{ id }}>
      {t(upload.status === 'completed' ? 'send.result' : 'send.follow')}
    </Link>
  )
  if (underWay(upload)) {
    return (
      <>
        <StageLine upload={upload} /> {link}
      </>
    )
  }
  if (upload.status === 'completed') return <span role="status">{link}</span>
  return (
    <span role="status">
      {upload.failure ? t(`failure.${reasonOf(upload.failure)}.title`) : t(`status.${upload.status}`)} {link}
    </span>
  )
}
