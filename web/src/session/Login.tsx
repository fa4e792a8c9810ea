import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { Problem } from '../api/problem'
import { Button, buttonLink } from '../design/Button'
import { Field } from '../design/Field'
import { Notice } from '../design/Notice'
import { ProblemText } from '../design/ProblemText'
import { useTitle } from '../shell/title'
import { Wordmark } from '../shell/Wordmark'
import styles from './Login.module.css'
import { login, type Session } from './session'

/** The code of the address that the server printed, which is removed from the address at once. */
function takeCode(): string | undefined {
  const code = new URLSearchParams(location.hash.slice(1)).get('code')
  if (!code) return undefined
  history.replaceState(null, '', location.pathname === '/login' ? '/' : location.pathname + location.search)
  return code
}

/** Asks for a credential, in the place of the page that needs one. */
export function Login({ session }: { session: Session }) {
  const { t } = useTranslation()
  useTitle(t('login.title'))
  const attempt = useMutation({ mutationFn: login })
  const began = useRef(false)
  useEffect(() => {
    if (began.current) return
    began.current = true
    const code = takeCode()
    if (code) attempt.mutate({ code })
  }, [attempt.mutate])

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const key = new FormData(event.currentTarget).get('key')
    if (typeof key === 'string' && key.trim()) attempt.mutate({ key: key.trim() })
  }
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
          <a className={buttonLink('plain')} href="/v1/session/oidc">
            {t('login.provider')}
          </a>
        )}
      </div>
    </main>
  )
}
