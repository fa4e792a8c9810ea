import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'

const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const
const spans: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
]

/** How dates, numbers and sizes are written in a language. */
export function formatIn(language: string) {
  const when = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' })
  const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto' })
  const percent = new Intl.NumberFormat(language, { style: 'percent' })
  return {
    /** A date with its time of day. */
    date: (iso: string) => when.format(new Date(iso)),
    /** How long ago something was, or the date if that was more than a week ago. */
    ago: (iso: string, now = Date.now()) => {
      const seconds = (now - new Date(iso).getTime()) / 1000
      if (seconds > 7 * 86_400) return when.format(new Date(iso))
      const span = spans.find(([, length]) => seconds >= length)
      return span ? relative.format(-Math.floor(seconds / span[1]), span[0]) : relative.format(0, 'second')
    },
    /** A size in bytes, in the largest unit that it has one of. */
    bytes: (n: number) => {
      const power = Math.min(Math.floor(Math.log10(Math.max(n, 1)) / 3), units.length - 1)
      const unit = units[power] ?? 'byte'
      return new Intl.NumberFormat(language, {
        style: 'unit',
        unit,
        unitDisplay: 'short',
        maximumFractionDigits: power > 1 ? 1 : 0,
      }).format(n / 1000 ** power)
    },
    /** A share from 0 to 1. */
    percent: (share: number) => percent.format(share),
    /** A number with at most so many digits after the point. */
    number: (n: number, digits = 0) => new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(n),
    /** Several things as a list. */
    list: (items: string[]) => new Intl.ListFormat(language, { type: 'conjunction' }).format(items),
  }
}

/** How dates, numbers and sizes are written in the language of the page. */
export function useFormat() {
  const { i18n } = useTranslation()
  return useMemo(() => formatIn(i18n.language), [i18n.language])
}
