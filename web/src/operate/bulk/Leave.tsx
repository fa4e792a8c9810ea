import { useBlocker } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { Button } from '../../design/Button'
import { Dialog } from '../../design/Dialog'
import { isDeciding, useOperation } from './operation'

/** Asks before a person leaves the operators' pages while a bulk decision is under way. */
export function Leave() {
  const { t } = useTranslation('letters')
  const operation = useOperation()
  const blocker = useBlocker({
    shouldBlockFn: ({ next }) => isDeciding() && !next.pathname.startsWith('/operate'),
    enableBeforeUnload: false,
    withResolver: true,
  })
  if (blocker.status !== 'blocked') return null
  return (
    <Dialog
      open
      onClose={blocker.reset}
      title={t('bulk.leaveTitle')}
      actions={
        <>
          <Button onClick={blocker.reset}>{t('bulk.leaveStay')}</Button>
          <Button
            kind="danger"
            onClick={() => {
              operation?.bulk.stop()
              blocker.proceed()
            }}
          >
            {t('bulk.leaveStop')}
          </Button>
          <Button kind="primary" onClick={blocker.proceed}>
            {t('bulk.leaveGo')}
          </Button>
        </>
      }
    >
      <p>{t('bulk.leave')}</p>
    </Dialog>
  )
}
