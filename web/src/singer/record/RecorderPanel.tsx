import { useBlocker } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '../../design/Button'
import { Dialog } from '../../design/Dialog'
import { Notice } from '../../design/Notice'
import { sendings } from '../send/sendings'
import { Obstructed } from './Obstructed'
import styles from './RecorderPanel.module.css'
import { Running } from './Running'
import { type Obstacle, obstacleBefore, obstacleOf, Recorder, type Take } from './recorder'
import { Taken } from './Taken'

type Phase =
  | { at: 'asking' }
  | { at: 'obstacle'; obstacle: Obstacle }
  | { at: 'running'; recorder: Recorder }
  | { at: 'taken'; take: Take }

/** Records a take: asks for the microphone at once, and ends with the take sent or given up. */
export function RecorderPanel({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation('record')
  const [phase, setPhase] = useState<Phase>({ at: 'asking' })
  const attempt = useRef(0)

  function begin() {
    const mine = ++attempt.current
    setPhase({ at: 'asking' })
    const obstacle = obstacleBefore()
    if (obstacle) {
      setPhase({ at: 'obstacle', obstacle })
      return
    }
    Recorder.start().then(
      (recorder) => {
        if (mine !== attempt.current) return recorder.discard()
        recorder.onEnd = (take) => setPhase({ at: 'taken', take })
        setPhase({ at: 'running', recorder })
      },
      (error) => mine === attempt.current && setPhase({ at: 'obstacle', obstacle: obstacleOf(error) }),
    )
  }
  useEffect(() => {
    begin()
    return () => void attempt.current++
  }, [])
  const recorder = phase.at === 'running' ? phase.recorder : undefined
  useEffect(() => () => recorder?.discard(), [recorder])

  function sendIt(take: Take) {
    sendings.add([take.file], true)
    onClose()
  }
  return (
    <section className={styles.panel} aria-label={t('label')}>
      {phase.at === 'asking' && <p role="status">{t('asking')}</p>}
      {phase.at === 'obstacle' && <Obstructed obstacle={phase.obstacle} again={begin} close={onClose} />}
      {phase.at === 'running' && <Running recorder={phase.recorder} />}
      {phase.at === 'taken' && (
        <Taken take={phase.take} onSend={() => sendIt(phase.take)} onAgain={begin} onGiveUp={onClose} />
      )}
      {phase.at === 'taken' && phase.take.unplugged && <Notice tone="warn">{t('unplugged')}</Notice>}
      <Leaving unsent={phase.at === 'running' || phase.at === 'taken'} />
    </section>
  )
}

/** Asks before a take is lost by leaving the page. */
function Leaving({ unsent }: { unsent: boolean }) {
  const { t } = useTranslation('record')
  const blocker = useBlocker({
    shouldBlockFn: () => unsent,
    enableBeforeUnload: () => unsent,
    withResolver: true,
  })
  return (
    <Dialog
      open={blocker.status === 'blocked'}
      onClose={() => blocker.reset?.()}
      title={t('leave.title')}
      actions={
        <>
          <Button onClick={() => blocker.reset?.()}>{t('leave.stay')}</Button>
          <Button kind="danger" onClick={() => blocker.proceed?.()}>
            {t('leave.go')}
          </Button>
        </>
      }
    >
      <p>{t('leave.text')}</p>
    </Dialog>
  )
}
