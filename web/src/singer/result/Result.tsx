import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useEffect, useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { answer, api, type Schemas } from '../../api/client'
import { buttonLink } from '../../design/Button'
import { Loaded } from '../../design/State'
import { clock } from '../../format/clock'
import { usePermitted } from '../../session/session'
import type { Upload } from '../stages/upload'
import { Damage } from './Damage'
import { Facts } from './Facts'
import { Head } from './Head'
import { Player } from './Player'
import { peaksOf, pointsFor } from './peaks'
import { midiCurve } from './pitch'
import styles from './Result.module.css'
import { Similar } from './Similar'
import { Songs } from './Songs'
import { Voice } from './Voice'
import { TimeWindow } from './window'

/** How long the window must rest before it is written into the address, in milliseconds. */
const rest = 500

/** What was found in a recording. */
export function Result({ upload }: { upload: Upload }) {
  const { id } = upload
  const analysis = useQuery({
    queryKey: ['upload', id, 'analysis'],
    queryFn: ({ signal }) => answer(api.GET('/v1/uploads/{id}/analysis', { params: { path: { id } }, signal })),
    staleTime: 60_000,
  })
  return <Loaded query={analysis}>{(found) => <Found upload={upload} analysis={found} />}</Loaded>
}

function Found({ upload, analysis }: { upload: Upload; analysis: Schemas['Analysis'] }) {
  const { t } = useTranslation('result')
  const mayUpload = usePermitted('upload')
  const again = mayUpload && (
    <Link to="/" className={buttonLink('primary')}>
      {t('recordAnother')}
    </Link>
  )
  return (
    <div className={styles.page}>
      <Head upload={upload} facts={[clock(analysis.audio.duration_s)]} actions={again} />
      <Damage audio={analysis.audio} />
      <Pictures upload={upload} analysis={analysis} />
      <div className={styles.columns}>
        <Voice pitch={analysis.pitch} />
        <Facts analysis={analysis} />
        <Songs id={upload.id} analysis={analysis} />
        <Similar id={upload.id} />
      </div>
    </div>
  )
}

function Pictures({ upload, analysis }: { upload: Upload; analysis: Schemas['Analysis'] }) {
  const { id } = upload
  const { duration_s: duration } = analysis.audio
  const pitch = useQuery({
    queryKey: ['upload', id, 'pitch'],
    queryFn: async ({ signal }) => {
      const curve = await answer(api.GET('/v1/uploads/{id}/pitch', { params: { path: { id } }, signal }))
      return { hop: curve.hop_s, midi: midiCurve(curve) }
    },
    staleTime: 'static',
    // Half a million numbers are not compared with those before.
    structuralSharing: false,
  })
  const peaks = useQuery({
    queryKey: ['upload', id, 'waveform'],
    queryFn: async ({ signal }) => {
      const query = { points: pointsFor(duration) }
      return peaksOf(await answer(api.GET('/v1/uploads/{id}/waveform', { params: { path: { id }, query }, signal })))
    },
    staleTime: 'static',
    structuralSharing: false,
  })
  const view = useWindowInAddress(duration)
  return (
    <Loaded query={pitch}>
      {({ hop, midi }) => (
        <Player
          audioUrl={upload.links.audio}
          analysis={analysis}
          midi={midi}
          hop={hop}
          peaks={peaks.data}
          view={view}
        />
      )}
    </Loaded>
  )
}

/** The part of the recording that is shown, which can be shared by the address. */
function useWindowInAddress(duration: number): TimeWindow {
  const { from, to } = useSearch({ from: '/uploads/$id' })
  const navigate = useNavigate()
  // Only the address that was opened counts: after that, the window leads and the address follows.
  const view = useMemo(() => new TimeWindow(duration, from, to), [duration])
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const write = () => {
      const digits = (n: number) => Math.round(n * 100) / 100
      const search = view.whole ? {} : { from: digits(view.from), to: digits(view.to) }
      void navigate({ to: '.', search, replace: true, resetScroll: false })
    }
    const unsubscribe = view.subscribe(() => {
      clearTimeout(timer)
      timer = setTimeout(write, rest)
    })
    return () => {
      unsubscribe()
      clearTimeout(timer)
    }
  }, [view, navigate])
  return view
}
