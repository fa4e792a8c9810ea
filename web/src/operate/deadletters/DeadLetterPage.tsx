import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { Problem } from '../../api/problem'
import { buttonLink } from '../../design/Button'
import { Failed, Loading, State } from '../../design/State'
import { useTitle } from '../../shell/title'
import { UploadLink } from '../UploadLink'
import { historyQuery } from '../uploads/api'
import { useWords } from '../words'
import { detailQuery } from './api'
import { LetterDetail } from './LetterDetail'

const route = getRouteApi('/operate/dead-letters/$id')

/** One dead letter, to decide on it. An alert's link leads here. */
export function DeadLetterPage() {
  const { id } = route.useParams()
  const { tenant } = route.useSearch()
  const { t } = useTranslation('letters')
  const query = useQuery({ ...detailQuery(id, tenant), refetchInterval: 5_000 })
  useTitle(query.data?.filename || t('detail.title'))
  const { error } = query
  if (error instanceof Problem && (error.status === 404 || error.status === 410))
    return <Elsewhere id={id} tenant={tenant} problem={error} />
  if (query.data) return <LetterDetail letter={query.data} query={query} />
  if (error) return <Failed page error={error} retry={() => query.refetch()} />
  return <Loading />
}

/** What the server says of an upload that is no dead letter, while its history cannot be read. */
function Said({ words, id }: { words: string; id: string }) {
  const { t } = useTranslation('letters')
  return (
    <State
      page
      title={t('detail.elsewhereTitle')}
      action={
        <UploadLink id={id} className={buttonLink('primary')}>
          {t('detail.upload')}
        </UploadLink>
      }
    >
      <p lang="en">{words}</p>
    </State>
  )
}

/** What the upload is now, if it does not wait for a decision. */
function Elsewhere({ id, tenant, problem }: { id: string; tenant: string | undefined; problem: Problem }) {
  const { t } = useTranslation('letters')
  const words = useWords()
  const now = useQuery({ ...historyQuery(id, tenant), enabled: problem.status === 404, refetchInterval: 5_000 })
  const back = (
    <Link to="/operate/dead-letters" className={buttonLink()}>
      {t('detail.others')}
    </Link>
  )
  if (problem.status === 410) {
    return (
      <State page title={t('detail.erasedTitle')} action={back}>
        {t('detail.erased')}
      </State>
    )
  }
  if (now.isLoading && now.failureCount === 0) return <Loading />
  if (!now.data && !(now.error instanceof Problem && now.error.status === 404)) {
    return <Said words={problem.message} id={id} />
  }
  if (!now.data) {
    return (
      <State page title={t('detail.unknownTitle')} action={back}>
        {t('detail.unknown')}
      </State>
    )
  }
  const last = now.data.entries.findLast((entry) => entry.kind === 'decision')
  return (
    <State
      page
      title={t('detail.nowTitle', { status: words.status(now.data.status) })}
      action={
        <UploadLink id={id} className={buttonLink('primary')}>
          {t('detail.upload')}
        </UploadLink>
      }
    >
      <p>{last?.by ? t('detail.decidedBy', { by: last.by }) : t('detail.now')}</p>
      {last?.reason && <p>“{last.reason}”</p>}
      <p>{back}</p>
    </State>
  )
}
