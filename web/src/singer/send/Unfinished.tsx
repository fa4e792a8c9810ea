import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Notice } from '../../design/Notice'
import { sentNow } from './fingerprint'
import { useSendings } from './sendings'
import { unfinished } from './unfinished'

/** Says which files to choose again, so that their sending goes on where it was cut. */
export function Unfinished() {
  const { t, i18n } = useTranslation('singer')
  const names = useUnfinished()
  const chosen = new Set(useSendings().map((item) => item.file.name))
  const left = names.filter((name) => !chosen.has(name))
  if (left.length === 0) return null
  return <Notice>{t('send.unfinished', { names: new Intl.ListFormat(i18n.language).format(left) })}</Notice>
}

/** What no tab sends any more, as of when the page is shown: another tab may have begun or been closed meanwhile. */
function useUnfinished(): string[] {
  const [names, setNames] = useState<string[]>([])
  useEffect(() => {
    let shown = true
    async function look() {
      const sent = await sentNow()
      if (shown) setNames(unfinished(Object.entries(localStorage), Date.now(), sent))
    }
    void look()
    document.addEventListener('visibilitychange', look)
    return () => {
      shown = false
      document.removeEventListener('visibilitychange', look)
    }
  }, [])
  return names
}
