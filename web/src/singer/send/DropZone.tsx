import { type ReactNode, useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '../../design/Button'
import { Notice } from '../../design/Notice'
import styles from './DropZone.module.css'
import { sendings } from './sendings'
import { sortOut } from './sortOut'

/** Takes files that are dropped anywhere on the page, or chosen. What is in it stands above. */
export function DropZone({ closed, children }: { closed: boolean; children: ReactNode }) {
  const { t, i18n } = useTranslation('singer')
  const input = useRef<HTMLInputElement>(null)
  const [refused, setRefused] = useState<string[]>([])

  function take(files: readonly File[]) {
    const { recordings, others } = sortOut(files)
    setRefused(others.map((file) => file.name))
    if (recordings.length > 0) sendings.add(recordings, recordings.length === 1)
  }
  const over = useDropOnPage(closed, take)
  return (
    <div className={styles.zone} data-over={over}>
      {children}
      {!closed && (
        <p className={styles.files}>
          <span className={styles.or}>{t('drop.or')}</span>
          <Button onClick={() => input.current?.click()}>{t('drop.choose')}</Button>
          <span className={styles.formats}>{t('drop.formats')}</span>
        </p>
      )}
      <input
        ref={input}
        type="file"
        hidden
        multiple
        accept="audio/*,video/*,.m4a,.caf,.w64,.amr,.mka,.opus"
        onChange={(event) => {
          take([...(event.target.files ?? [])])
          event.target.value = ''
        }}
      />
      {refused.length > 0 && (
        <Notice tone="bad">
          {t('drop.refused', { names: new Intl.ListFormat(i18n.language).format(refused), count: refused.length })}
        </Notice>
      )}
    </div>
  )
}

function carries(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes('Files') ?? false
}

/** Does nothing with files that are dropped: the browser would open one in place of the page and of the take in it. */
function refuseDrops(): () => void {
  function refuse(event: DragEvent) {
    if (!carries(event) || !event.dataTransfer) return
    event.preventDefault()
    event.dataTransfer.dropEffect = 'none'
  }
  document.addEventListener('dragover', refuse)
  document.addEventListener('drop', refuse)
  return () => {
    document.removeEventListener('dragover', refuse)
    document.removeEventListener('drop', refuse)
  }
}

/** Whether files are held over the page; takes them when they are let go. */
function useDropOnPage(closed: boolean, take: (files: readonly File[]) => void): boolean {
  const [over, setOver] = useState(false)
  const latest = useRef(take)
  latest.current = take
  useEffect(() => {
    if (closed) return refuseDrops()
    let depth = 0
    function enter(event: DragEvent) {
      if (!carries(event)) return
      depth++
      setOver(true)
    }
    function leave() {
      depth = Math.max(depth - 1, 0)
      if (depth === 0) setOver(false)
    }
    // Without this the browser would open the file in place of the page.
    function hold(event: DragEvent) {
      if (carries(event)) event.preventDefault()
    }
    function drop(event: DragEvent) {
      if (!carries(event)) return
      event.preventDefault()
      depth = 0
      setOver(false)
      latest.current([...(event.dataTransfer?.files ?? [])])
    }
    const listeners = { dragenter: enter, dragleave: leave, dragover: hold, drop }
    for (const [name, listener] of Object.entries(listeners)) document.addEventListener(name as 'drop', listener)
    return () => {
      for (const [name, listener] of Object.entries(listeners)) document.removeEventListener(name as 'drop', listener)
    }
  }, [closed])
  return over
}
