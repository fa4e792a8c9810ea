import { useTranslation } from 'react-i18next'
import type { Schemas } from '../../api/client'
import { Notice } from '../../design/Notice'
import { useFormat } from '../../format/format'

const known = ['truncated', 'gaps', 'decode_errors', 'trailing_data'] as const

/** What is wrong with the file, and what that means for the result. */
export function Damage({ audio }: { audio: Schemas['Analysis']['audio'] }) {
  const { t } = useTranslation('result')
  const format = useFormat()
  const damage = audio.damage ?? []
  const missing = audio.missing_s ?? 0
  const tracks = audio.tracks ?? 1
  return (
    <>
      {damage.length > 0 && (
        <Notice tone="warn">
          {damage.map((code) => {
            if (code === 'truncated' && missing > 0) {
              return <p key={code}>{t('damage.missing', { length: format.length(missing) })}</p>
            }
            const word = known.find((k) => k === code)
            return <p key={code}>{word ? t(`damage.${word}`) : t('damage.unknown', { code })}</p>
          })}
        </Notice>
      )}
      {tracks > 1 && <Notice>{t('tracks', { count: tracks })}</Notice>}
    </>
  )
}
