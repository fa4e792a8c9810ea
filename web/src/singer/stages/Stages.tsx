import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useFormat } from '../../format/format'
import styles from './Stages.module.css'
import { stepOf, steps, type Upload, underWay } from './upload'

/** Where a recording stands on its way to the result. */
export function Stages({ upload }: { upload: Upload }) {
  const { t } = useTranslation('singer')
  const format = useFormat()
  const now = stepOf(upload)
  const share = upload.stage_progress
  return (
    <div className={styles.stages}>
      <ol className={styles.steps}>
        {steps.map((step, i) => (
          <li
            key={step}
            className={i < now ? styles.done : i === now ? styles.now : undefined}
            aria-current={i === now ? 'step' : undefined}
          >
            <span className={styles.dot} aria-hidden="true">
              {i < now && (
                <svg viewBox="0 0 12 12">
                  <path d="M2.5 6.5 5 9l4.5-6" />
                </svg>
              )}
            </span>
            <span>
              {t(`steps.${step}`)}
              {i < now && <span className="hidden-visually"> {t('steps.done')}</span>}
            </span>
          </li>
        ))}
      </ol>
      <p className={styles.words}>
        {t(`doing.${steps[now] ?? 'publishing'}`)}
        {share !== undefined && <span className="numeric"> {format.percent(share)}</span>}
        {upload.attempt > 1 && <> {t('doing.attempt', { attempt: upload.attempt })}</>}
      </p>
    </div>
  )
}

/**
 * Names the step that a recording is at, and its end, to screen readers: once at each change, since the share of a step
 * that is done would interrupt them all the time. It stays while what is shown of the recording is replaced.
 */
export function StageNews({ upload }: { upload: Upload }) {
  const { t } = useTranslation('singer')
  const step = underWay(upload) ? steps[stepOf(upload)] : undefined
  const attempt = upload.attempt > 1 ? ` ${t('doing.attempt', { attempt: upload.attempt })}` : ''
  const news = step ? t(`doing.${step}`) + attempt : t(`status.${upload.status}`)
  const [first] = useState(news)
  const [changed, setChanged] = useState(false)
  // What the page begins with is read as part of it.
  if (!changed && news !== first) setChanged(true)
  return (
    <p role="status" className="hidden-visually">
      {changed && news}
    </p>
  )
}
