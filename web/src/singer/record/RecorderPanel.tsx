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
import { drop, keep, useKept } from './studio'
import { Taken } from './Taken'

/** Records a take: asks for the microphone at once, and ends with the take sent or given up. */
export function RecorderPanel({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation('record')
  const kept = useKept()
  const [obstacle, setObstacle] = useState<Obstacle>()
  const [asking, setAsking] = useState(!kept)
  const attempt = useRef(0)

  // A take that is kept stays until the next one runs: the microphone may be gone by now.
  function begin() {
    const mine = ++attempt.current
    const before = obstacleBefore()
    setObstacle(before)
    setAsking(!before)
    if (before) return
    Recorder.start().then(
      (recorder) => {
        // The panel was closed, or asked once more, while the browser asked the person.
        if (mine !== attempt.current) return recorder.discard()
        recorder.onEnd = (take) => keep({ take })
        keep({ recorder })
        setAsking(false)
      },
      (error) => {
        if (mine !== attempt.current) return
        setObstacle(obstacleOf(error))
        setAsking(false)
      },
    )
  }
  const first = useRef(begin)
  useEffect(() => {
    if (!kept) first.current()
    return () => void attempt.current++
    // Only when the panel opens: a take that is kept is shown, and later changes are the person's.
  }, [])

  function send(take: Take) {
    sendings.add([take.file], true)
    close()
  }
  function close() {
    drop()
    onClose()
  }
  // The take belonged to somebody who is not logged in any more.
  const gone = !kept && !asking && !obstacle
  useEffect(() => {
    if (gone) onClose()
  }, [gone, onClose])
  const taken = asking || obstacle ? undefined : kept?.take
  return (
    <section className={styles.panel} aria-label={t('label')}>
      {asking && <p role="status">{t('asking')}</p>}
      {obstacle && <Obstructed obstacle={obstacle} again={begin} close={kept ? () => setObstacle(undefined) : close} />}
      {kept?.recorder && <Running recorder={kept.recorder} />}
      {taken && <Taken take={taken} onSend={() => send(taken)} onAgain={begin} onGiveUp={close} />}
      {taken?.unplugged && <Notice tone="warn">{t('unplugged')}</Notice>}
      <Leaving unsent={kept !== undefined} />
    </section>
  )
}

/** Asks before a take is lost by leaving the page. */
function Leaving({ unsent }: { unsent: boolean }) {
  const { t } = useTranslation('record')
  const blocker = useBlocker({ shouldBlockFn: () => unsent, enableBeforeUnload: false, withResolver: true })
  function leave() {
    drop()
    blocker.proceed?.()
  }
  return (
    <Dialog
      open={blocker.status === 'blocked'}
      onClose={() => blocker.reset?.()}
      title={t('leave.title')}
      actions={
        <>
          <Button onClick={() => blocker.reset?.()}>{t('leave.stay')}</Button>
          <Button kind="danger" onClick={leave}>
            {t('leave.go')}
          </Button>
        </>
      }
    >
      <p>{t('leave.text')}</p>
    </Dialog>
  )
}
