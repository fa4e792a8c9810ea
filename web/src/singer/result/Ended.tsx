import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { buttonLink } from '../../design/Button'
import { Notice } from '../../design/Notice'
import { usePermitted } from '../../session/session'
import { reasonOf } from '../failure/words'
import type { Upload } from '../stages/upload'
import styles from './Ended.module.css'
import { Head } from './Head'

/** A recording without a result: why, and what can be done. */
export function Ended({ upload }: { upload: Upload }) {
  const { t, i18n } = useTranslation(['result', 'singer'])
  const mayUpload = usePermitted('upload')
  const { title, text } = useWords(upload)
  const said = upload.failure?.message
  return (
    <div className={styles.page}>
      <Head upload={upload} />
      <Notice tone={upload.status === 'canceled' ? 'plain' : 'bad'}>
        <div className={styles.words}>
          <h2>{title}</h2>
          <p>{text}</p>
          {said && (
            <p className={styles.said} lang={i18n.language === 'en' ? undefined : 'en'}>
              {t('ended.said', { message: said })}
            </p>
          )}
        </div>
      </Notice>
      {mayUpload && (
        <Link to="/" className={`${buttonLink('primary')} ${styles.action}`}>
          {t('recordAnother')}
        </Link>
      )}
    </div>
  )
}

function useWords(upload: Upload): { title: string; text: string } {
  const { t } = useTranslation(['result', 'singer'])
  const { failure, status } = upload
  if (status === 'discarded' || status === 'expired' || status === 'canceled') {
    return { title: t(`ended.${status}.title`), text: t(`ended.${status}.text`) }
  }
  if (failure) {
    const reason = reasonOf(failure)
    return { title: t(`singer:failure.${reason}.title`), text: t(`singer:failure.${reason}.text`) }
  }
  if (upload.halted) return { title: t('ended.halted.title'), text: t('ended.halted.text') }
  return { title: t('ended.unknown.title'), text: t('ended.unknown.text', { status }) }
}
