import i18next from 'i18next'
import { useTranslation } from 'react-i18next'
import { Problem } from '../api/problem'

/** The problems whose detail says what is wrong with a value. It is in English. */
const detailed = ['invalid-request', 'invalid-webhook-url', 'invalid-tenant', 'invalid-import']

/** What went wrong in the person's language, and the id of the request for an operator who looks into it. */
export function ProblemText({ error }: { error: Error }) {
  const { t } = useTranslation(['problems', 'shell'])
  if (!(error instanceof Problem)) return <>{t('problems:unknown')}</>
  const known = i18next.exists(error.code, { ns: 'problems' })
  const words = known ? t(error.code as 'unknown') : error.message
  return (
    <>
      {words || t('problems:unknown')}
      {words !== error.message && detailed.includes(error.code) && <span lang="en"> {error.message}</span>}
      {error.request && error.status >= 500 && (
        <>
          {' '}
          <code>{t('shell:state.request', { id: error.request })}</code>
        </>
      )}
    </>
  )
}
