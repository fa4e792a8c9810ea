import { useEffect, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '../../api/client'
import { Button } from '../../design/Button'
import { Notice } from '../../design/Notice'
import { clock } from '../../format/clock'
import { useFormat } from '../../format/format'
import { centsOff, midiOf, noteName } from '../notes/notes'
import { onceAFrame } from './frames'
import { followGestures } from './gestures'
import { gutter } from './layout'
import { Overview } from './Overview'
import { PitchChart } from './PitchChart'
import styles from './Player.module.css'
import type { Peaks } from './peaks'
import { noteSpan, pitchAt } from './pitch'
import { Pyramid } from './pyramid'
import { Spectrogram } from './Spectrogram'
import { WaveStrip } from './WaveStrip'
import type { TimeWindow } from './window'
import { ZoomButtons } from './ZoomButtons'

type Props = {
  audioUrl: string
  analysis: Schemas['Analysis']
  midi: Float32Array
  hop: number
  peaks: Peaks | undefined
  view: TimeWindow
}

/** Plays a recording in step with its waveform, overtones and pitch, which share one axis of time. */
export function Player({ audioUrl, analysis, midi, hop, peaks, view }: Props) {
  const { t } = useTranslation('result')
  const audio = useRef<HTMLAudioElement>(null)
  const [playing, setPlaying] = useState(false)
  const [failed, setFailed] = useState(false)
  const [time, setTime] = useState(0)
  const curve = useMemo(() => new Pyramid(midi), [midi])
  const { low, high } = noteSpan(analysis.pitch)
  const surface = useRef<HTMLDivElement>(null)
  const head = useRef<HTMLDivElement>(null)
  const note = useRef<HTMLOutputElement>(null)

  function seek(to: number) {
    if (!audio.current) return
    audio.current.currentTime = Math.min(Math.max(to, 0), view.duration)
    setTime(audio.current.currentTime)
  }
  function toggle() {
    if (!audio.current) return
    if (audio.current.paused) play(audio.current)
    else audio.current.pause()
  }
  function play(player: HTMLAudioElement) {
    player.play().catch((error: unknown) => {
      // A pause before the sound began ends the attempt to play, which is no failure.
      if (!(error instanceof DOMException && error.name === 'AbortError')) setFailed(true)
    })
  }
  function again() {
    if (!audio.current) return
    setFailed(false)
    const at = time
    // After an error nothing is played any more until it is loaded anew.
    audio.current.load()
    audio.current.currentTime = at
    play(audio.current)
  }
  const picked = useRef(seek)
  picked.current = seek
  useEffect(() => {
    if (!surface.current) return
    return followGestures(surface.current, view, (at) => picked.current(at))
  }, [view])
  useHead({ audio, head, surface, note, view, midi, hop, time })

  return (
    <section className={styles.player} aria-label={t('player.label')}>
      {/* The captions are the curve below: it names each note in step. */}
      <audio
        ref={audio}
        src={audioUrl}
        preload="metadata"
        onPlay={() => setPlaying(true)}
        onPlaying={() => setFailed(false)}
        onPause={() => setPlaying(false)}
        onEnded={() => setPlaying(false)}
        onTimeUpdate={(event) => setTime(event.currentTarget.currentTime)}
        onError={() => setFailed(true)}
      />
      <div className={styles.transport}>
        <PlayButton playing={playing} toggle={toggle} />
        <span className={`${styles.clock} numeric`}>
          {clock(time)} <span className={styles.length}>/ {clock(view.duration)}</span>
        </span>
        <output ref={note} className={styles.note} aria-hidden="true" />
        <ZoomButtons view={view} />
      </div>
      {failed && (
        <Notice tone="warn">
          {t('player.audioFailed')}{' '}
          <Button small onClick={again}>
            {t('player.audioAgain')}
          </Button>
        </Notice>
      )}
      <Seekable time={time} view={view} midi={midi} hop={hop} seek={seek} toggle={toggle}>
        <div className={styles.waveRow}>{peaks && <WaveStrip peaks={peaks} view={view} />}</div>
        <div className={styles.chartRow}>
          <Spectrogram url={audioUrl} view={view} low={low} high={high} />
          <PitchChart curve={curve} hop={hop} view={view} low={low} high={high} />
        </div>
        <div ref={surface} className={styles.surface} />
        <div ref={head} className={styles.head} aria-hidden="true" />
      </Seekable>
      <Overview view={view} peaks={peaks} time={time} />
      <p className={`${styles.hint} ${styles.hintMouse}`}>{t('player.hint')}</p>
      <p className={`${styles.hint} ${styles.hintTouch}`}>{t('player.hintTouch')}</p>
      <Summary analysis={analysis} />
    </section>
  )
}

function PlayButton({ playing, toggle }: { playing: boolean; toggle: () => void }) {
  const { t } = useTranslation('result')
  return (
    <Button
      kind="primary"
      icon
      className={styles.play}
      onClick={toggle}
      aria-label={t(playing ? 'player.pause' : 'player.play')}
    >
      <svg viewBox="0 0 16 16" aria-hidden="true">
        {playing ? <path d="M4 3h3v10H4zM9 3h3v10H9z" /> : <path d="M4.5 2.5v11l9-5.5z" />}
      </svg>
    </Button>
  )
}

type SeekableProps = {
  time: number
  view: TimeWindow
  midi: Float32Array
  hop: number
  seek: (to: number) => void
  toggle: () => void
  children: React.ReactNode
}

/** The pictures as one control for the position, by keyboard and for screen readers. */
function Seekable({ time, view, midi, hop, seek, toggle, children }: SeekableProps) {
  const { t } = useTranslation('result')
  const sung = noteName(pitchAt(midi, hop, time)) || t('player.noNote')
  function press(event: React.KeyboardEvent) {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const step = event.shiftKey ? 5 : 1
    const does: Record<string, () => void> = {
      ' ': toggle,
      ArrowRight: () => seek(time + step),
      ArrowUp: () => seek(time + step),
      ArrowLeft: () => seek(time - step),
      ArrowDown: () => seek(time - step),
      Home: () => seek(0),
      End: () => seek(view.duration),
      PageDown: () => view.pan(view.span / 2),
      PageUp: () => view.pan(-view.span / 2),
      '+': () => view.zoom(0.5, time),
      '=': () => view.zoom(0.5, time),
      '-': () => view.zoom(2, time),
      '0': () => view.show(0, view.duration),
    }
    const act = does[event.key]
    if (!act) return
    event.preventDefault()
    act()
  }
  return (
    <div
      className={styles.stage}
      role="slider"
      tabIndex={0}
      aria-label={t('player.position')}
      aria-valuemin={0}
      aria-valuemax={Math.round(view.duration)}
      aria-valuenow={Math.round(time)}
      aria-valuetext={t('player.at', { time: clock(time), length: clock(view.duration), note: sung })}
      onKeyDown={press}
    >
      {children}
    </div>
  )
}

type HeadProps = {
  audio: React.RefObject<HTMLAudioElement | null>
  head: React.RefObject<HTMLDivElement | null>
  surface: React.RefObject<HTMLDivElement | null>
  note: React.RefObject<HTMLOutputElement | null>
  view: TimeWindow
  midi: Float32Array
  hop: number
  time: number
}

/** Moves the play head and names the note under it, in each frame, without drawing the page anew. */
function useHead({ audio, head, surface, note, view, midi, hop, time }: HeadProps) {
  const { t } = useTranslation('result')
  useEffect(() => {
    const player = audio.current
    if (!player) return
    let frame = 0
    function place() {
      const [line, area] = [head.current, surface.current]
      if (!player || !line || !area) return
      const share = view.shareOf(player.currentTime)
      line.hidden = share < 0 || share > 1
      line.style.transform = `translateX(${gutter + share * area.clientWidth}px)`
      if (note.current) show(note.current, pitchAt(midi, hop, player.currentTime))
    }
    function show(output: HTMLOutputElement, pitch: number) {
      const cents = centsOff(pitch)
      output.textContent = noteName(pitch) || '–'
      output.dataset.cents = Number.isFinite(cents)
        ? t('player.cents', { cents: cents > 0 ? `+${cents}` : String(cents).replace('-', '−') })
        : ''
    }
    function run() {
      frame = requestAnimationFrame(run)
      if (player) view.follow(player.currentTime)
      place()
    }
    function stop() {
      cancelAnimationFrame(frame)
      place()
    }
    const frames = onceAFrame(place)
    const unsubscribe = view.subscribe(frames.request)
    player.addEventListener('play', run)
    player.addEventListener('pause', stop)
    player.addEventListener('seeked', frames.request)
    if (!player.paused) run()
    else place()
    return () => {
      unsubscribe()
      frames.cancel()
      cancelAnimationFrame(frame)
      player.removeEventListener('play', run)
      player.removeEventListener('pause', stop)
      player.removeEventListener('seeked', frames.request)
    }
  }, [audio, head, surface, note, view, midi, hop, t])
  // A window that was made smaller by the keyboard keeps the position in it.
  useEffect(() => {
    if (audio.current?.paused && time > 0) view.follow(time)
  }, [audio, view, time])
}

/** What the pictures show, in a sentence for those who do not see them. */
function Summary({ analysis }: { analysis: Schemas['Analysis'] }) {
  const { t } = useTranslation('result')
  const format = useFormat()
  const { pitch, audio } = analysis
  const length = clock(audio.duration_s)
  if (!(pitch.min_hz > 0)) return <p className="hidden-visually">{t('player.summarySilent', { length })}</p>
  return (
    <p className="hidden-visually">
      {t('player.summary', {
        length,
        voiced: format.percent(pitch.voiced_ratio),
        low: noteName(midiOf(pitch.min_hz)),
        high: noteName(midiOf(pitch.max_hz)),
        median: noteName(midiOf(pitch.median_hz)),
      })}
    </p>
  )
}
