import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { answer, api, type Schemas } from '../../api/client'
import { Button } from '../../design/Button'
import { Loaded } from '../../design/State'
import { useFormat } from '../../format/format'
import { noteName } from '../notes/notes'
import { againUntilIndexed, isWaiting } from './indexed'
import styles from './Result.module.css'
import { fitOf } from './songs'

const few = 5
const many = 50

/** Songs that fit the voice, how to transpose each, and why; or why there are none. */
export function Songs({ id, analysis }: { id: string; analysis: Schemas['Analysis'] }) {
  const { t } = useTranslation('result')
  const [limit, setLimit] = useState(few)
  const query = useQuery({
    queryKey: ['upload', id, 'songs', limit],
    queryFn: ({ signal }) =>
      answer(api.GET('/v1/uploads/{id}/songs', { params: { path: { id }, query: { limit } }, signal })),
    placeholderData: (before) => before,
    staleTime: 60_000,
    ...againUntilIndexed,
  })
  const waits = isWaiting(query)
  return (
    <section className={styles.panel} aria-labelledby="songs">
      <h2 id="songs">{t('songs.title')}</h2>
      {waits && <p role="status">{t('songs.notIndexed')}</p>}
      {!waits && (
        <Loaded query={query}>
          {(found) =>
            found.songs.length === 0 ? (
              <NoSongs found={found} />
            ) : (
              <>
                <p className={styles.lead}>{t('songs.lead', { count: found.ranked })}</p>
                <ol className={styles.list}>
                  {found.songs.map((song) => (
                    <li key={song.id}>
                      <Song song={song} analysis={analysis} />
                    </li>
                  ))}
                </ol>
                {limit === few && found.songs.length === few && (
                  <Button className={styles.more} onClick={() => setLimit(many)}>
                    {t('songs.more')}
                  </Button>
                )}
                {found.waiting > 0 && <p className={styles.soft}>{t('songs.waiting', { count: found.waiting })}</p>}
              </>
            )
          }
        </Loaded>
      )}
    </section>
  )
}

const known = ['silent', 'too_brief', 'too_narrow', 'whistled'] as const

function NoSongs({ found }: { found: Schemas['FittingSongs'] }) {
  const { t } = useTranslation('result')
  if (found.unusable) {
    const why = known.find((k) => k === found.unusable) ?? 'unknown'
    return <p>{t(`songs.unusable.${why}`)}</p>
  }
  return (
    <>
      <p>
        <strong>{t('songs.none')}</strong>
      </p>
      <p>{t('songs.noneText')}</p>
      {found.nearest && (
        <p className={styles.soft}>
          {t('songs.nearest', { title: found.nearest.title, count: found.nearest.semitones })}
        </p>
      )}
    </>
  )
}

function Song({ song, analysis }: { song: Schemas['FittingSong']; analysis: Schemas['Analysis'] }) {
  const { t } = useTranslation(['result', 'singer'])
  const format = useFormat()
  const fit = fitOf(song, analysis)
  const { transposition, octaves, sung } = fit
  const how = [
    transposition === 0
      ? t('songs.asWritten')
      : t(transposition > 0 ? 'songs.up' : 'songs.down', { count: Math.abs(transposition) }),
    octaves !== 0 && t(octaves > 0 ? 'songs.octaveUp' : 'songs.octaveDown', { count: Math.abs(octaves) }),
    fit.key && t('songs.inKey', { key: t(`singer:key.${fit.key.mode}`, fit.key) }),
  ]
  return (
    <>
      <div className={styles.line}>
        <span className={styles.name}>
          {song.title} {song.artist && <span className={styles.artist}>{song.artist}</span>}
        </span>
        <span className={styles.soft}>
          <span className="hidden-visually">{t('songs.fit')}</span> {format.percent(song.score)}
        </span>
      </div>
      <p>{how.filter(Boolean).join(', ')}.</p>
      <p className={styles.soft}>
        {sung && t('songs.span', { low: noteName(sung.low), high: noteName(sung.high) })}{' '}
        {sung && `${t('songs.below', { count: sung.below })} ${t('songs.above', { count: sung.above })}`}{' '}
        {fit.sameTempo && t('songs.sameTempo')}
      </p>
    </>
  )
}
