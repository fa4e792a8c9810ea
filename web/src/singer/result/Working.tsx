import { useMutation } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { answer, api } from '../../api/client'
import { queries } from '../../api/queries'
import { Button } from '../../design/Button'
import { Notice } from '../../design/Notice'
import { ProblemText } from '../../design/ProblemText'
import { usePermitted } from '../../session/session'
import { Stages } from '../stages/Stages'
import { type Upload, uploadQuery } from '../stages/upload'
import { Head } from './Head'
import styles from './Working.module.css'

/** A recording that is being processed: where it stands, and a way to end that. */
export function Working({ upload }: { upload: Upload }) {
  const { t } = useTranslation('result')
  const mayUpload = usePermitted('upload')
  const cancel = useMutation({
    mutationFn: () => answer(api.POST('/v1/uploads/{id}/cancel', { params: { path: { id: upload.id } } })),
    onSuccess: () => queries.invalidateQueries(uploadQuery(upload.id)),
  })
  return (
    <div className={styles.page}>
      <Head upload={upload} />
      <section className={styles.panel}>
        <h2>{t('working.title')}</h2>
        <Stages upload={upload} />
        <p className={styles.text}>{t('working.text')}</p>
        {cancel.error && (
          <Notice tone="bad">
            <ProblemText error={cancel.error} />
          </Notice>
        )}
        {mayUpload && (
          <Button busy={cancel.isPending || cancel.isSuccess} onClick={() => cancel.mutate()}>
            {cancel.isPending || cancel.isSuccess ? t('canceling') : t('cancel')}
          </Button>
        )}
      </section>
    </div>
  )
}
