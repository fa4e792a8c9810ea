import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { answer, api } from '../../api/client'
import { Problem } from '../../api/problem'
import { Loaded } from '../../design/State'
import { useFormat } from '../../format/format'
import { midiOf, noteName } from '../notes/notes'
import { againUntilIndexed, isWaiting } from './indexed'
import styles from './Result.module.css'

const shown = 5

/** The recordings whose voices sound most like this one. */
export function Similar({ id }: { id: string }) {
  const { t } = useTranslation(['result', 'singer'])
  const format = useFormat()
  const query = useQuery({
    queryKey: ['upload', id, 'similar'],
    queryFn: ({ signal }) =>
      answer(api.GET('/v1/uploads/{id}/similar', { params: { path: { id }, query: { limit: shown } }, signal })),
    staleTime: 60_000,
    ...againUntilIndexed,
  })
  const waits = isWaiting(query)
  const silent = query.error instanceof Problem && query.error.code === 'no-voice'
  return (
    <section className={styles.panel} aria-labelledby="similar">
      <h2 id="similar">{t('similar.title')}</h2>
      {silent && <p>{t('similar.noVoice')}</p>}
      {waits && <p role="status">{t('similar.notIndexed')}</p>}
      {!silent && !waits && (
        <Loaded query={query}>
          {({ uploads }) =>
            uploads.length === 0 ? (
              <p>{t('similar.none')}</p>
            ) : (
              <>
                <p className={styles.lead}>{t('similar.lead')}</p>
                <ol className={styles.list}>
                  {uploads.map((other) => (
                    <li key={other.id} className={styles.line}>
                      <span>
                        <Link to="/uploads/$id" params={{ id: other.id }} className={styles.name}>
                          {other.filename || t('singer:unnamed')}
                        </Link>
                        <span className={styles.soft}>
                          {' '}
                          {other.voice &&
                            other.voice.low_hz > 0 &&
                            t('singer:facts.range', {
                              low: noteName(midiOf(other.voice.low_hz)),
                              high: noteName(midiOf(other.voice.high_hz)),
                            })}
                        </span>
                      </span>
                      <span className={styles.soft}>
                        {t('similar.likeness', { share: format.percent(Math.max(other.similarity, 0)) })}
                      </span>
                    </li>
                  ))}
                </ol>
              </>
            )
          }
        </Loaded>
      )}
    </section>
  )
}
