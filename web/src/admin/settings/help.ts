import i18next from 'i18next'
import { useTranslation } from 'react-i18next'
import type { Setting } from './requests'

/** What a setting does, in the language of the page; the server's words for one that this page does not know. */
export function useHelp(): (setting: Setting) => string {
  const { t } = useTranslation('settings')
  return ({ name, help }) => {
    const known = i18next.exists(`help.${name}`, { ns: 'settings' })
    return known ? t(`help.${name as 'intake'}`) : help
  }
}

/** The values of the settings that take one of a few words. */
export const words: Record<string, string[]> = {
  intake: ['open', 'paused'],
  tier: ['standard', 'realtime', 'backfill'],
}
