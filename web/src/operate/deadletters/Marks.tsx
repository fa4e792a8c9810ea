import { useTranslation } from 'react-i18next'
import type { Schemas } from '../../api/client'
import { type Moment, Timeline } from '../Timeline'
import { useWords } from '../words'

type Mark = Schemas['Mark']

const kinds = ['attempt_failed', 'dead_lettered', 'reprocessed', 'discarded', 'restarted'] as const

/** What failed, and what was done about it, in its order. */
export function Marks({ marks }: { marks: Mark[] }) {
  const { t } = useTranslation('letters')
  const words = useWords()
  function title(mark: Mark): string {
    const known = kinds.find((kind) => kind === mark.kind)
    const stage = mark.stage ? words.stage(mark.stage) : ''
    return known ? t(`mark.${known}`, { stage, attempt: mark.attempt }) : mark.kind
  }
  const moments = marks.map(
    (mark, place): Moment => ({
      key: String(place),
      at: mark.at,
      title: title(mark),
      tone: mark.kind === 'attempt_failed' || mark.kind === 'dead_lettered' ? 'bad' : 'plain',
      badge: mark.class && words.class(mark.class),
      text: mark.message ?? mark.reason,
      by: mark.by,
    }),
  )
  return <Timeline moments={moments} />
}
