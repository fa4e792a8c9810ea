import { useTranslation } from 'react-i18next'
import { Progress } from '../../design/Progress'
import { useFormat } from '../../format/format'
import styles from './Stages.module.css'
import { stepOf, steps, type Upload } from './upload'

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
      <p role="status" className={styles.words}>
        {t(`doing.${steps[now] ?? 'publishing'}`)}
        {share !== undefined && <span className="numeric"> {format.percent(share)}</span>}
        {upload.attempt > 1 && <> {t('doing.attempt', { attempt: upload.attempt })}</>}
      </p>
    </div>
  )
}

/** The same in one line, for lists. */
export function StageLine({ upload }: { upload: Upload }) {
  const { t } = useTranslation('singer')
  const format = useFormat()
  const step = steps[stepOf(upload)]
  if (!step) return null
  return (
    <span className={styles.line}>
      <span className={styles.bar}>
        <Progress
          label={t('steps.label')}
          value={stepOf(upload) + (upload.stage_progress ?? 0.3)}
          max={steps.length}
          text={t(`steps.${step}`)}
        />
      </span>
      <span>
        {t(`doing.${step}`)}
        {upload.stage_progress !== undefined && (
          <span className="numeric"> {format.percent(upload.stage_progress)}</span>
        )}
      </span>
    </span>
  )
}
