import { useMutation } from '@tanstack/react-query'
import { useRouterState } from '@tanstack/react-router'
import { type FormEvent, type MouseEvent, useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { Problem } from '../api/problem'
import { Button, buttonLink } from '../design/Button'
import { Field } from '../design/Field'
import { Notice } from '../design/Notice'
import { ProblemText } from '../design/ProblemText'
import { useTitle } from '../shell/title'
import { Wordmark } from '../shell/Wordmark'
import { providerFrom, type Reason } from './failed'
import styles from './Login.module.css'
import { login, type Session } from './session'

type Props = {
  session: Session
  /** A code that is tried at once. */
  code?: string | undefined
  /** Why a login at the identity provider failed before. */
  failed?: Reason | undefined
  /** The code was tried. */
  onTried: () => void
}

/** Goes to the identity provider with what was not sent kept; without that where its code cannot be loaded. */
function leave(event: MouseEvent) {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return
  event.preventDefault()
  const provider = providerFrom(location)
  import('../luggage/leave').then((luggage) => luggage.leave(provider)).catch(() => location.assign(provider))
}

/** Asks for a credential, in the place of the page that needs one. */
export function Login({ session, code, failed, onTried }: Props) {
  const { t } = useTranslation()
  useTitle(t('login.title'))
  // A refused key or code ends no session: there may be one that goes on.
  const attempt = useMutation({ mutationFn: login, meta: { logsIn: true } })
  const began = useRef(false)
  const tried = useRef(onTried)
  tried.current = onTried
  useEffect(() => {
    if (began.current || !code) return
    began.current = true
    attempt.mutateAsync({ code }).then(
      () => tried.current(),
      () => tried.current(),
    )
  }, [attempt.mutateAsync, code])

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const key = new FormData(event.currentTarget).get('key')
    if (typeof key === 'string' && key.trim()) attempt.mutate({ key: key.trim() })
  }
  // The page that is open is the one to return to, also after the browser's back button.
  useRouterState({ select: (state) => state.location.href })
  const byCode = attempt.variables && 'code' in attempt.variables
  return (
    <main className={styles.page}>
      <div className={styles.panel}>
        <Wordmark />
        <h1>{t('login.title')}</h1>
        <p className={styles.lead}>{session.ended ? t('login.ended') : t('login.lead')}</p>
        {attempt.error && (
          <Notice tone="bad">
            {attempt.error instanceof Problem && attempt.error.status === 401 ? (
              t(byCode ? 'login.usedCode' : 'login.wrongKey')
            ) : (
              <ProblemText error={attempt.error} />
            )}
          </Notice>
        )}
        {failed && attempt.isIdle && <Notice tone="bad">{t(`login.failed.${failed}`)}</Notice>}
        {session.ways.includes('key') && (
          <form className={styles.form} onSubmit={submit}>
            <Field label={t('login.key')} hint={t('login.keyHint')}>
              <input name="key" type="password" autoComplete="off" spellCheck={false} required autoFocus />
            </Field>
            <Button type="submit" kind="primary" busy={attempt.isPending}>
              {attempt.isPending ? t('login.checking') : t('login.submit')}
            </Button>
          </form>
        )}
        {session.ways.includes('oidc') && (
          <a className={buttonLink('plain')} href={providerFrom(location)} onClick={leave}>
            {t('login.provider')}
          </a>
        )}
      </div>
    </main>
  )
}
