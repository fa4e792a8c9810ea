import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { PageHead } from '../../design/PageHead'
import { useTitle } from '../../shell/title'
import { Fresh } from '../Fresh'
import { countsQuery } from './api'
import { Filters } from './Filters'
import { type Filter, facets, queryOf } from './filter'
import { LetterList } from './LetterList'

const route = getRouteApi('/operate/dead-letters')

/** The dead letters: what is shown stands in the address, and what is selected can be decided on. */
export function DeadLetters() {
  const { t } = useTranslation('letters')
  useTitle(t('title'))
  const filter = route.useSearch()
  const navigate = route.useNavigate()
  // All stages and classes are counted, so that each choice shows how many it would add.
  const counts = useQuery({
    ...countsQuery(queryOf({ ...filter, stage: undefined, class: undefined })),
    refetchInterval: 5_000,
  })
  const counted = counts.data && facets(counts.data.groups, filter)
  function choose(next: Filter) {
    void navigate({ search: next, replace: true })
  }
  return (
    <>
      <PageHead title={t('title')} lead={t('lead')} actions={<Fresh query={counts} />} />
      <Filters filter={filter} counted={counted} onChoose={choose} />
      <LetterList
        key={JSON.stringify(filter)}
        filter={filter}
        total={counted?.total}
        exact={counts.data?.exact ?? false}
        onClear={() => choose({})}
      />
    </>
  )
}
