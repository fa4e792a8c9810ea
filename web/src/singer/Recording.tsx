import { useParams } from '@tanstack/react-router'
import { lazy, Suspense } from 'react'
import { useTranslation } from 'react-i18next'
import { Problem } from '../api/problem'
import { Failed, Loading, State } from '../design/State'
import { Permitted } from '../shell/Permitted'
import { useTitle } from '../shell/title'
import { Ended } from './result/Ended'
import { Working } from './result/Working'
import { StageNews } from './stages/Stages'
import { type Upload, underWay } from './stages/upload'
import { useLiveUpload } from './stages/useLiveUpload'

const Result = lazy(() => import('./result/Result').then((m) => ({ default: m.Result })))

/** What was found in a recording, or where it stands. */
export function Recording() {
  const { id } = useParams({ from: '/uploads/$id' })
  return (
    <Permitted scope="read">
      <One key={id} id={id} />
    </Permitted>
  )
}

function One({ id }: { id: string }) {
  const { t } = useTranslation('result')
  const query = useLiveUpload(id)
  const upload = query.data
  useTitle(upload?.filename ?? '')
  if (query.error instanceof Problem && query.error.code === 'erased') {
    return (
      <State page title={t('erased.title')}>
        {t('erased.text')}
      </State>
    )
  }
  if (!upload && query.error) return <Failed page error={query.error} retry={() => query.refetch()} />
  if (!upload) return <Loading />
  return (
    <>
      <StageNews upload={upload} />
      <Known upload={upload} />
    </>
  )
}

function Known({ upload }: { upload: Upload }) {
  if (underWay(upload)) return <Working upload={upload} />
  if (upload.status !== 'completed') return <Ended upload={upload} />
  return (
    <Suspense fallback={<Loading />}>
      <Result upload={upload} />
    </Suspense>
  )
}
