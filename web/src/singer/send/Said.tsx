import { useTranslation } from 'react-i18next'
import { Notice } from '../../design/Notice'

/** How many files are named; more would fill the page. */
const named = 5

/** Names the files that are no recordings. */
export function Refused({ names }: { names: string[] }) {
  const { t, i18n } = useTranslation('singer')
  const more = names.length - named
  const list = more > 0 ? [...names.slice(0, named), t('drop.others', { count: more })] : names
  return (
    <Notice tone="bad">
      {t('drop.refused', { names: new Intl.ListFormat(i18n.language).format(list), count: names.length })}
    </Notice>
  )
}

/** What was taken out of folders, where that is not simply all of it. */
export function FromFolder({ taken, left, more }: { taken: number; left: number; more: boolean }) {
  const { t } = useTranslation('singer')
  if (taken === 0 && !more) return <Notice tone="bad">{t('drop.folderEmpty')}</Notice>
  if (left === 0 && !more) return null
  return (
    <Notice>
      {left > 0 && t('drop.folderLeft', { count: left })} {more && t('drop.folderMore')}
    </Notice>
  )
}

/** Says that a folder could not be read. */
export function Unread() {
  const { t } = useTranslation('singer')
  return <Notice tone="bad">{t('drop.folderUnread')}</Notice>
}
