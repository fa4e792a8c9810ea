import { useMutation } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '../../design/Button'
import { Notice } from '../../design/Notice'
import { ProblemText } from '../../design/ProblemText'
import { SecretDialog } from '../../design/SecretDialog'
import { say } from '../../design/Toast'
import styles from '../admin.module.css'
import { HookForm } from './HookForm'
import { PauseHook } from './PauseHook'
import { RedeliverRange } from './RedeliverRange'
import { RemoveHook } from './RemoveHook'
import { RotateHook } from './RotateHook'
import type { Hook, Hooks } from './requests'

const page = getRouteApi('/admin/webhooks/$id')

type Asking = 'edit' | 'pause' | 'rotate' | 'remove' | 'redeliver'

/** What can be done with a webhook. */
export function HookActs({ hook, hooks }: { hook: Hook; hooks: Hooks }) {
  const { t } = useTranslation('webhooks')
  const navigate = page.useNavigate()
  const [asking, setAsking] = useState<Asking>()
  const [secret, setSecret] = useState<string>()
  const close = () => setAsking(undefined)
  const ping = useMutation({
    mutationFn: () => hooks.ping(hook.id),
    onSuccess: ({ delivery }) => navigate({ search: (before) => ({ ...before, delivery }) }),
  })
  const resume = useMutation({
    mutationFn: () => hooks.resume(hook.id),
    onSuccess: () => say(t('resumed')),
  })
  const failed = ping.error ?? resume.error
  return (
    <>
      <div className={styles.row}>
        <Button onClick={() => ping.mutate()} busy={ping.isPending}>
          {t('ping')}
        </Button>
        {hook.paused ? (
          <Button kind="primary" onClick={() => resume.mutate()} busy={resume.isPending}>
            {t('resume')}
          </Button>
        ) : (
          <>
            <Button onClick={() => setAsking('redeliver')}>{t('redeliver')}</Button>
            <Button onClick={() => setAsking('pause')}>{t('pause')}</Button>
          </>
        )}
        <Button onClick={() => setAsking('edit')}>{t('edit')}</Button>
        <Button onClick={() => setAsking('rotate')}>{t('rotate')}</Button>
        <Button kind="danger" onClick={() => setAsking('remove')}>
          {t('remove')}
        </Button>
      </div>
      {failed && (
        <Notice tone="bad">
          <ProblemText error={failed} />
        </Notice>
      )}
      {asking === 'edit' && (
        <HookForm
          hook={hook}
          save={(request) => hooks.change(hook.id, request)}
          onClose={close}
          onSaved={() => {
            close()
            say(t('saved'))
          }}
        />
      )}
      {asking === 'pause' && <PauseHook hook={hook} hooks={hooks} onClose={close} />}
      {asking === 'redeliver' && <RedeliverRange hook={hook} hooks={hooks} onClose={close} />}
      {asking === 'remove' && (
        <RemoveHook
          hook={hook}
          hooks={hooks}
          onClose={close}
          onRemoved={() => navigate({ to: '/admin/webhooks', search: ({ tenant }) => ({ tenant }) })}
        />
      )}
      {asking === 'rotate' && (
        <RotateHook
          hook={hook}
          hooks={hooks}
          onClose={close}
          onRotated={(rotated) => {
            close()
            setSecret(rotated.secret)
          }}
        />
      )}
      {secret && (
        <SecretDialog title={t('secretTitle')} label={t('secret')} secret={secret} onKept={() => setSecret(undefined)}>
          <p className={styles.soft}>{t('secretHint')}</p>
        </SecretDialog>
      )}
    </>
  )
}
