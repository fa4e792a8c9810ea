import type { ComponentProps } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '../design/Button'

/** The button of the account's menu. */
export function AccountButton(props: ComponentProps<typeof Button>) {
  const { t } = useTranslation()
  return (
    <Button kind="quiet" icon aria-label={t('account.label')} aria-haspopup="menu" {...props}>
      <svg
        viewBox="0 0 24 24"
        width="22"
        height="22"
        aria-hidden="true"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.8"
      >
        <circle cx="12" cy="8.5" r="3.8" />
        <path d="M4.5 20c1-4 4-5.8 7.5-5.8s6.5 1.8 7.5 5.8" strokeLinecap="round" />
      </svg>
    </Button>
  )
}
