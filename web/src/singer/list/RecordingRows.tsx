import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '../../api/client'
import { Badge } from '../../design/Badge'
import type { Tone } from '../../design/Notice'
import { Time } from '../../design/Time'
import { clock } from '../../format/clock'
import { useFormat } from '../../format/format'
import { midiOf, noteName, tonicName } from '../notes/notes'
import { StageLine } from '../stages/StageLine'
import { underWay } from '../stages/upload'
import styles from './RecordingRows.module.css'

type Listed = Schemas['ListedUpload']

/** Recordings, each a link to its page. */
export function RecordingRows({ uploads }: { uploads: readonly Listed[] }) {
  return (
    <ul className={styles.list}>
      {uploads.map((upload) => (
        <li key={upload.id}>
          <Row upload={upload} />
        </li>
      ))}
    </ul>
  )
}

function Row({ upload }: { upload: Listed }) {
  const { t } = useTranslation('singer')
  return (
    <Link to="/uploads/$id" params={{ id: upload.id }} className={styles.row}>
      <span className={styles.name}>{upload.filename || t('unnamed')}</span>
      <span className={styles.when}>
        <Time at={upload.created_at} />
      </span>
      <span className={styles.what}>
        <Found upload={upload} />
      </span>
    </Link>
  )
}

const tones: Partial<Record<Listed['status'], Tone>> = { dead_lettered: 'bad', discarded: 'bad', expired: 'warn' }

/** What was found in a recording, or where it stands. */
function Found({ upload }: { upload: Listed }) {
  const { t } = useTranslation('singer')
  const format = useFormat()
  const { voice } = upload
  if (underWay(upload)) return <StageLine upload={upload} />
  if (upload.status !== 'completed') {
    return <Badge tone={tones[upload.status] ?? 'plain'}>{t(`status.${upload.status}`)}</Badge>
  }
  if (!voice) return null
  const low = noteName(midiOf(voice.low_hz))
  const facts = [
    low ? t('facts.range', { low, high: noteName(midiOf(voice.high_hz)) }) : t('facts.silent'),
    voice.key.tonic &&
      t(`key.${voice.key.mode || 'major'}`, { tonic: tonicName(voice.key.tonic, voice.key.mode || 'major') }),
    voice.tempo_bpm > 0 && t('facts.tempo', { bpm: format.number(Math.round(voice.tempo_bpm)) }),
    clock(voice.duration_s),
  ]
  return (
    <>
      {facts.filter(Boolean).map((fact) => (
        <span key={String(fact)}>{fact}</span>
      ))}
    </>
  )
}
