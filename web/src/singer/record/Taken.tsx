import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '../../design/Button'
import { Notice } from '../../design/Notice'
import { clock } from '../../format/clock'
import { useFormat } from '../../format/format'
import styles from './RecorderPanel.module.css'
import type { Take } from './recorder'

type Props = { take: Take; onSend: () => void; onAgain: () => void; onGiveUp: () => void }

/** A take that can be heard, sent, or sung again. */
export function Taken({ take, onSend, onAgain, onGiveUp }: Props) {
  const { t } = useTranslation('record')
  const format = useFormat()
  const send = useRef<HTMLButtonElement>(null)
  useEffect(() => send.current?.focus(), [])
  const empty = take.file.size === 0 || take.seconds < 0.3
  return (
    <>
      <p className={styles.time}>
        <span className="numeric">{clock(take.seconds)}</span>
      </p>
      <p className={styles.hint}>{t('taken', { size: format.size(take.file.size) })}</p>
      {empty && <Notice tone="bad">{t('nothing')}</Notice>}
      {!empty && take.clips && <Notice tone="warn">{t('tookClips')}</Notice>}
      {!empty && take.quiet && <Notice tone="warn">{t('tookQuiet')}</Notice>}
      <div className={styles.actions}>
        {!empty && <Listen file={take.file} />}
        <Button onClick={onAgain}>{t('retake')}</Button>
        <Button kind="quiet" onClick={onGiveUp}>
          {t('giveUp')}
        </Button>
        <Button kind="primary" ref={send} onClick={onSend} disabled={empty}>
          {t('send')}
        </Button>
      </div>
    </>
  )
}

function Listen({ file }: { file: File }) {
  const { t } = useTranslation('record')
  const audio = useRef<HTMLAudioElement>(null)
  const [playing, setPlaying] = useState(false)
  const [url, setUrl] = useState<string>()
  useEffect(() => {
    const made = URL.createObjectURL(file)
    setUrl(made)
    return () => URL.revokeObjectURL(made)
  }, [file])
  function toggle() {
    const player = audio.current
    if (!player) return
    if (player.paused) void player.play()
    else player.pause()
  }
  return (
    <>
      <audio
        ref={audio}
        src={url}
        onPlay={() => setPlaying(true)}
        onPause={() => setPlaying(false)}
        onEnded={() => setPlaying(false)}
      />
      <Button onClick={toggle}>{playing ? t('pauseListening') : t('listen')}</Button>
    </>
  )
}
