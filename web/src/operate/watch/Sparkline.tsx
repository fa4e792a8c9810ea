import { useTranslation } from 'react-i18next'
import { useFormat } from '../../format/format'
import styles from './Sparkline.module.css'
import { curve, type Sample } from './samples'

const width = 180
const height = 36

/** How a value went since the page was opened. */
export function Sparkline({ samples, name }: { samples: readonly Sample[]; name: string }) {
  const { t } = useTranslation('watch')
  const format = useFormat()
  const first = samples[0]
  const last = samples.at(-1)
  const points = curve(samples, width, height - 2)
  if (!first || !last || !points) return <p className={styles.soft}>{t('curve.begins')}</p>
  const highest = Math.max(...samples.map(({ value }) => value))
  const words = t('curve.words', {
    name,
    span: format.span((last.at - first.at) / 1000),
    first: first.value,
    last: last.value,
    highest,
  })
  return (
    <figure className={styles.figure}>
      <svg
        viewBox={`0 -1 ${width} ${height}`}
        width={width}
        height={height}
        role="img"
        aria-label={words}
        preserveAspectRatio="none"
      >
        <title>{words}</title>
        <polyline points={`0,${height - 2} ${points} ${width},${height - 2}`} className={styles.area} />
        <polyline points={points} className={styles.line} />
      </svg>
      <figcaption className={styles.soft}>
        {t('curve.caption', { span: format.span((last.at - first.at) / 1000), highest })}
      </figcaption>
    </figure>
  )
}
