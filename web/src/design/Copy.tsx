import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from './Button'

/** Copies a text, and says that it did. */
export function Copy({ text, label, small = true }: { text: string; label?: string; small?: boolean }) {
  const { t } = useTranslation()
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return
    const timer = setTimeout(() => setCopied(false), 2000)
    return () => clearTimeout(timer)
  }, [copied])
  return (
    <Button small={small} onClick={() => void navigator.clipboard.writeText(text).then(() => setCopied(true))}>
      <span role="status">{copied ? t('state.copied') : (label ?? t('state.copy'))}</span>
    </Button>
  )
}
