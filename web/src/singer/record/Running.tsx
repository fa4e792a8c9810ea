import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '../../design/Button'
import { clock } from '../../format/clock'
import { onMeter, type Warning } from './level'
import styles from './RecorderPanel.module.css'
import type { Recorder } from './recorder'

/** The take while it is recorded: time, level, pause and stop. */
export function Running({ recorder }: { recorder: Recorder }) {
  const { t } = useTranslation('record')
  const [paused, setPaused] = useState(recorder.paused)
  const [warning, setWarning] = useState<Warning>()
  const [second, setSecond] = useState(0)
  const meter = useRef<HTMLDivElement>(null)
  const stop = useRef<HTMLButtonElement>(null)

  useEffect(() => stop.current?.focus(), [])
  useEffect(() => {
    let shown = 0
    let frame = requestAnimationFrame(draw)
    function draw() {
      frame = requestAnimationFrame(draw)
      const level = recorder.level
      setWarning(level.warning)
      setSecond(Math.floor(recorder.seconds))
      // Falls slower than it rises, as meters do, so that the eye can follow.
      shown = Math.max(onMeter(level.peak), shown - 0.012)
      meter.current?.style.setProperty('--level', String(recorder.paused ? 0 : shown))
    }
    return () => cancelAnimationFrame(frame)
  }, [recorder])

  function toggle() {
    if (recorder.paused) recorder.resume()
    else recorder.pause()
    setPaused(recorder.paused)
  }
  return (
    <>
      <p className={styles.time}>
        <span className={paused ? styles.pausedDot : styles.recordingDot} aria-hidden="true" />
        <span className="numeric" role="timer">
          {clock(second)}
        </span>
      </p>
      <p role="status" className="hidden-visually">
        {paused ? t('paused') : t('recording')}
      </p>
      <div className={styles.meter} ref={meter} aria-hidden="true">
        <div className={styles.level} />
      </div>
      <div role="status" className={styles.hint} data-warn={warning !== undefined}>
        {warning ? t(`warning.${warning}`) : paused ? t('pausedHint') : t('hint')}
      </div>
      <div className={styles.actions}>
        <Button onClick={toggle}>{paused ? t('resume') : t('pause')}</Button>
        <Button kind="primary" ref={stop} onClick={() => recorder.stop()}>
          {t('stop')}
        </Button>
      </div>
    </>
  )
}
