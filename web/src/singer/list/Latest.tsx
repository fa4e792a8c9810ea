import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { answer, api } from '../../api/client'
import { Loaded, State } from '../../design/State'
import styles from './Latest.module.css'
import { RecordingRows } from './RecordingRows'

const shown = 5

/** The recordings that came last. */
export function Latest() {
  const { t } = useTranslation('singer')
  const query = useQuery({
    queryKey: ['uploads', 'latest'],
    queryFn: ({ signal }) =>
      answer(api.GET('/v1/uploads', { params: { query: { kind: 'voice', page_size: shown } }, signal })),
  })
  return (
    <section aria-labelledby="latest">
      <div className={styles.head}>
        <h2 id="latest">{t('latest.title')}</h2>
        <Link to="/uploads">{t('latest.all')}</Link>
      </div>
      <Loaded query={query}>
        {({ uploads }) =>
          uploads.length > 0 ? (
            <RecordingRows uploads={uploads} />
          ) : (
            <State title={t('latest.emptyTitle')}>{t('latest.empty')}</State>
          )
        }
      </Loaded>
    </section>
  )
}
