import { lazy, Suspense, useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Loading } from '../design/State'
import { usePermitted } from '../session/session'
import { useTitle } from '../shell/title'
import styles from './Home.module.css'
import { Latest } from './list/Latest'
import { useKept } from './record/studio'
import { DropZone } from './send/DropZone'
import { useSendings } from './send/sendings'
import { useOpenWhenAccepted } from './send/useOpenWhenAccepted'

const Unfinished = lazy(() => import('./send/Unfinished').then((m) => ({ default: m.Unfinished })))
const loadList = () => import('./send/SendingList').then((m) => ({ default: m.SendingList }))
const SendingList = lazy(loadList)
const RecorderPanel = lazy(() => import('./record/RecorderPanel').then((m) => ({ default: m.RecorderPanel })))

/** Where a singer records or drops a file. */
export function Home() {
  const { t } = useTranslation('singer')
  const mayUpload = usePermitted('upload')
  const mayRead = usePermitted('read')
  useTitle(t('title'))
  return (
    <div className={styles.page}>
      <h1 className={styles.title}>{t('home.title')}</h1>
      {mayUpload ? <Studio /> : <p className={styles.lead}>{t(mayRead ? 'home.readOnly' : 'home.neither')}</p>}
      {mayRead && <Latest />}
    </div>
  )
}

function Studio() {
  const { t } = useTranslation('singer')
  // A take that outlived the page, since the session had ended, is shown again; so is one that was left to log in.
  const kept = useKept()
  const [asked, setAsked] = useState(false)
  const recording = asked || kept !== undefined
  const returned = useRef(false)
  const sending = useSendings()
  useOpenWhenAccepted(sending)
  useEffect(() => {
    // What sends the take is loaded before it is needed: an update may remove it from the server meanwhile.
    if (recording) void Promise.all([loadList(), import('./send/tus')]).catch(() => {})
  }, [recording])
  function close() {
    returned.current = true
    setAsked(false)
  }
  return (
    <>
      <p className={styles.lead}>{t('home.lead')}</p>
      <DropZone closed={recording}>
        {recording ? (
          <Suspense fallback={<Loading />}>
            <RecorderPanel onClose={close} />
          </Suspense>
        ) : (
          <button
            type="button"
            className={styles.record}
            onClick={() => setAsked(true)}
            // The recorder that had the focus is gone: the keyboard goes on where it began.
            ref={(button) => {
              if (returned.current) button?.focus()
            }}
          >
            <span className={styles.disc} aria-hidden="true">
              <svg viewBox="0 0 24 24">
                <path d="M12 3.5a3 3 0 0 0-3 3V12a3 3 0 0 0 6 0V6.5a3 3 0 0 0-3-3Z" />
                <path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3" />
              </svg>
            </span>
            {t('home.record')}
          </button>
        )}
      </DropZone>
      <Suspense>{storedAny() && <Unfinished />}</Suspense>
      <Suspense>{sending.length > 0 && <SendingList />}</Suspense>
    </>
  )
}

/** Whether tus-js-client stored anything: there is nothing to say about files that were not sent in full otherwise. */
function storedAny(): boolean {
  return Object.keys(localStorage).some((key) => key.startsWith('tus::'))
}
