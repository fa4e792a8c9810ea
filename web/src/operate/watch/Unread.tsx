import { useTranslation } from 'react-i18next'
import type { Schemas } from '../../api/client'
import { Notice } from '../../design/Notice'
import { useWords } from '../words'

const parts = ['queues', 'workers', 'running', 'lag', 'lake', 'index'] as const

/** The parts of an answer that could not be read, which are not the same as empty ones. */
export function Unread({ parts: missing }: { parts: Schemas['Unavailable'][] | undefined }) {
  const { t } = useTranslation('watch')
  const words = useWords()
  if (!missing || missing.length === 0) return null
  const named = missing.map(({ part, dependency }) => {
    const known = parts.find((name) => name === part)
    return `${known ? t(`part.${known}`) : part} (${words.dependency(dependency)})`
  })
  return <Notice tone="warn">{t('unread', { parts: [...new Set(named)].join(', ') })}</Notice>
}
