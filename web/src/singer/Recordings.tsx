import { useInfiniteQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { answer, api } from '../api/client'
import { Button, buttonLink } from '../design/Button'
import { Notice } from '../design/Notice'
import { ProblemText } from '../design/ProblemText'
import { Failed, Loading, State } from '../design/State'
import { usePermitted } from '../session/session'
import { Permitted } from '../shell/Permitted'
import { useTitle } from '../shell/title'
import { FilterForm } from './list/FilterForm'
import { type Filters, queryOf } from './list/filters'
import { RecordingRows } from './list/RecordingRows'
import styles from './Recordings.module.css'

const pageSize = 30

/** The recordings of the tenant, with filters that live in the address. */
export function Recordings() {
  const { t } = useTranslation('singer')
  useTitle(t('list.title'))
  return (
    <Permitted scope="read">
      <List />
    </Permitted>
  )
}

function List() {
  const { t } = useTranslation('singer')
  const filters = useSearch({ from: '/uploads' })
  const navigate = useNavigate()
  const mayUpload = usePermitted('upload')
  const choose = (next: Filters) => void navigate({ to: '/uploads', search: next, replace: true })
  return (
    <div className={styles.page}>
      <div className={styles.head}>
        <h1>{t('list.title')}</h1>
        {mayUpload && (
          <Link to="/" className={buttonLink('primary')}>
            {t('list.record')}
          </Link>
        )}
      </div>
      <FilterForm filters={filters} onChange={choose} />
      <Pages filters={filters} clear={() => choose({})} />
    </div>
  )
}

function Pages({ filters, clear }: { filters: Filters; clear: () => void }) {
  const { t } = useTranslation(['singer', 'shell'])
  const query = useInfiniteQuery({
    queryKey: ['uploads', 'list', filters],
    queryFn: ({ signal, pageParam }) =>
      answer(
        api.GET('/v1/uploads', {
          params: { query: { ...queryOf(filters), page_size: pageSize, ...(pageParam && { page_token: pageParam }) } },
          signal,
        }),
      ),
    initialPageParam: '',
    getNextPageParam: (last) => last.next,
  })
  if (query.isPending) return <Loading />
  if (!query.data) return <Failed error={query.error} retry={() => query.refetch()} />
  const uploads = query.data.pages.flatMap((page) => page.uploads)
  if (uploads.length === 0 && Object.keys(filters).length > 0) {
    return (
      <State title={t('list.noneTitle')} action={<Button onClick={clear}>{t('filter.clear')}</Button>}>
        {t('list.none')}
      </State>
    )
  }
  if (uploads.length === 0) return <State title={t('latest.emptyTitle')}>{t('latest.empty')}</State>
  return (
    <>
      <RecordingRows uploads={uploads} />
      {query.error && (
        <Notice tone="bad">
          <ProblemText error={query.error} />
        </Notice>
      )}
      {query.hasNextPage && (
        <Button className={styles.more} busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
          {t('shell:state.more')}
        </Button>
      )}
    </>
  )
}
