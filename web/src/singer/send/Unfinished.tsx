import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Notice } from '../../design/Notice'
import { useSendings } from './sendings'
import { unfinished } from './unfinished'

/** Says which files to choose again, so that their sending goes on where it was cut. */
export function Unfinished() {
  const { t, i18n } = useTranslation('singer')
  const [names] = useState(() => unfinished(Object.entries(localStorage), Date.now()))
  const chosen = new Set(useSendings().map((item) => item.file.name))
  const left = names.filter((name) => !chosen.has(name))
  if (left.length === 0) return null
  return <Notice>{t('send.unfinished', { names: new Intl.ListFormat(i18n.language).format(left) })}</Notice>
}
