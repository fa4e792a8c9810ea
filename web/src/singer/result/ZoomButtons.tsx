import { useSyncExternalStore } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '../../design/Button'
import styles from './Player.module.css'
import type { TimeWindow } from './window'

/** What the wheel and the keyboard do with the window, as buttons. */
export function ZoomButtons({ view }: { view: TimeWindow }) {
  const { t } = useTranslation('result')
  const whole = useSyncExternalStore(view.subscribe, () => view.whole)
  const atBegin = useSyncExternalStore(view.subscribe, () => view.from <= 0)
  const atEnd = useSyncExternalStore(view.subscribe, () => view.to >= view.duration)
  const buttons = [
    { name: 'earlier', off: atBegin, does: () => view.pan(-view.span / 2), path: 'M10 3 5 8l5 5' },
    { name: 'zoomOut', off: whole, does: () => view.zoom(2), path: 'M3 8h10' },
    { name: 'zoomIn', off: false, does: () => view.zoom(0.5), path: 'M3 8h10M8 3v10' },
    { name: 'later', off: atEnd, does: () => view.pan(view.span / 2), path: 'm6 3 5 5-5 5' },
  ] as const
  return (
    <div className={styles.zoom}>
      {buttons.map(({ name, off, does, path }) => (
        <Button
          key={name}
          icon
          kind="quiet"
          disabled={off}
          onClick={does}
          aria-label={t(`player.${name}`)}
          title={t(`player.${name}`)}
        >
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d={path} />
          </svg>
        </Button>
      ))}
      <Button kind="quiet" disabled={whole} onClick={() => view.show(0, view.duration)}>
        {t('player.all')}
      </Button>
    </div>
  )
}
