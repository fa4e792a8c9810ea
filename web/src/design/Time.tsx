import { useFormat } from '../format/format'
import { useNow } from '../format/now'

/** How long ago something was, or how soon it is; the exact time is its title. */
export function Time({ at, exact }: { at: string; exact?: boolean }) {
  const format = useFormat()
  const now = useNow()
  const date = new Date(at)
  const moment = format.moment(date)
  return (
    <time dateTime={at} title={moment} className="numeric">
      {exact ? moment : format.relative(date, now)}
    </time>
  )
}
