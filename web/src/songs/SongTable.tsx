import { useTranslation } from 'react-i18next'
import styles from '../admin/admin.module.css'
import { Badge } from '../design/Badge'
import { Button } from '../design/Button'
import { type Column, Table } from '../design/Table'
import { useFormat } from '../format/format'
import { UploadLink } from '../operate/UploadLink'
import type { Song } from './requests'

/** The songs with what a voice needs for them. */
export function SongTable({ songs, onRemove }: { songs: Song[]; onRemove: (song: Song) => void }) {
  const { t } = useTranslation('songs')
  const format = useFormat()
  const columns: Column<Song>[] = [
    {
      key: 'song',
      head: t('song'),
      names: true,
      cell: (song) => (
        <span className={styles.stack}>
          <span className={styles.row}>
            {song.title}
            {song.shipped && <Badge>{t('shipped')}</Badge>}
          </span>
          {song.artist && <span className={styles.soft}>{song.artist}</span>}
        </span>
      ),
    },
    { key: 'range', head: t('range'), cell: (song) => <Range song={song} /> },
    { key: 'key', head: t('key'), cell: (song) => song.key },
    {
      key: 'tempo',
      head: t('tempo'),
      numeric: true,
      cell: (song) => (song.tempo_bpm ? format.number(song.tempo_bpm) : null),
    },
    { key: 'id', head: t('id'), cell: (song) => <code>{song.id}</code> },
    {
      key: 'acts',
      head: t('acts'),
      headHidden: true,
      cell: (song) =>
        !song.shipped && (
          <span className={`${styles.row} ${styles.end}`}>
            <Button
              small
              kind="quiet"
              onClick={() => onRemove(song)}
              aria-label={t('removeOne', { title: song.title })}
            >
              {t('remove')}
            </Button>
          </span>
        ),
    },
  ]
  return <Table label={t('title')} columns={columns} rows={songs} rowKey={(song) => song.id} />
}

function Range({ song }: { song: Song }) {
  const { t } = useTranslation('songs')
  const reference = song.reference && <UploadLink id={song.reference}>{t('reference')}</UploadLink>
  return (
    <span className={styles.stack}>
      {song.waiting ? <Badge tone="warn">{t('waiting')}</Badge> : `${song.low ?? ''} – ${song.high ?? ''}`}
      {reference}
    </span>
  )
}
