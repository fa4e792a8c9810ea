import { useTranslation } from 'react-i18next'
import { Progress } from '../../design/Progress'
import { useFormat } from '../../format/format'
import styles from './Stages.module.css'
import { stepOf, steps, type Upload } from './upload'

/** Where a recording stands, in one line for lists. */
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
