import { useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { Button } from '../../design/Button'
import { PageHead } from '../../design/PageHead'
import { Loaded } from '../../design/State'
import { useTitle } from '../../shell/title'
import styles from '../admin.module.css'
import { ActTable } from './ActTable'
import { Filters } from './Filters'
import { type ActFilter, actsQuery } from './requests'

const page = getRouteApi('/admin/audit')

/** What was done by whom. */
export function Audit() {
  const { t } = useTranslation(['audit', 'shell'])
  useTitle(t('title'))
  const filter: ActFilter = page.useSearch()
  const navigate = page.useNavigate()
  const list = useInfiniteQuery({ ...actsQuery(filter), refetchOnWindowFocus: true })
  const narrow = (change: ActFilter) => navigate({ search: (before) => ({ ...before, ...change }) })
  const filtered = Object.values(filter).some(Boolean)
  return (
    <>
      <PageHead title={t('title')} lead={t('lead')} />
      <Filters filter={filter} onChange={narrow} onClear={() => navigate({ search: {} })} />
      <Loaded query={list}>
        {(data) => (
          <ActTable
            acts={data.pages.flatMap((one) => one.acts)}
            empty={filtered ? t('noMatch') : t('none')}
            onNarrow={narrow}
          />
        )}
      </Loaded>
      {list.hasNextPage && (
        <div className={styles.row}>
          <Button onClick={() => list.fetchNextPage()} busy={list.isFetchingNextPage}>
            {t('shell:state.more')}
          </Button>
        </div>
      )}
    </>
  )
}
