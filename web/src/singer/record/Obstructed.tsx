import { useTranslation } from 'react-i18next'
import { Button } from '../../design/Button'
import { Notice } from '../../design/Notice'
import styles from './RecorderPanel.module.css'
import type { Obstacle } from './recorder'

type Props = { obstacle: Obstacle; again: () => void; close: () => void }

/** Why nothing can be recorded, and what to do about it. */
export function Obstructed({ obstacle, again, close }: Props) {
  const { t } = useTranslation('record')
  const hopeless = obstacle === 'insecure' || obstacle === 'unsupported'
  return (
    <>
      <Notice tone="bad">
        <strong>{t(`obstacle.${obstacle}.title`)}</strong>
        <p>{t(`obstacle.${obstacle}.text`)}</p>
      </Notice>
      <div className={styles.actions}>
        {!hopeless && (
          <Button kind="primary" onClick={again}>
            {t('tryAgain')}
          </Button>
        )}
        <Button onClick={close}>{t('close')}</Button>
      </div>
    </>
  )
}
