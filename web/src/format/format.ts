import { useTranslation } from 'react-i18next'

/** Writes numbers, sizes and times as people read them in one language. */
export type Format = ReturnType<typeof formatIn>

const steps = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const

const sizes = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const

/** The browser's own variant of a language, such as en-GB, which has its own dates. */
export function localeOf(language: string): string {
  const own = globalThis.navigator?.languages?.find((locale) => locale.startsWith(language))
  return own ?? language
}

/** What writes values in a locale. */
export function formatIn(locale: string) {
  const plain = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 })
  const share = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 0 })
  const ago = new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'short' })
  const moment = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' })
  const clock = new Intl.DateTimeFormat(locale, { timeStyle: 'medium' })
  const units = new Map<string, Intl.NumberFormat>()
  function unit(value: number, name: string, digits: number): string {
    const key = `${name}${digits}`
    let format = units.get(key)
    if (!format) {
      format = new Intl.NumberFormat(locale, {
        style: 'unit',
        unit: name,
        unitDisplay: 'short',
        maximumFractionDigits: digits,
      })
      units.set(key, format)
    }
    return format.format(value)
  }
  return {
    /** A number with at most one digit behind the point. */
    number: (value: number) => plain.format(value),
    /** A share from 0 to 1 in percent. */
    percent: (value: number) => share.format(value),
    /** A number of bytes in the unit that suits it. */
    size(bytes: number) {
      let step = 0
      let value = bytes
      while (value >= 1000 && step < sizes.length - 1) {
        value /= 1000
        step++
      }
      return unit(value, sizes[step] ?? 'byte', step === 0 ? 0 : 1)
    },
    /** A time span in seconds, by its two largest units. */
    span(seconds: number) {
      if (seconds > 0 && seconds < 1) return unit(seconds * 1000, 'millisecond', 0)
      if (seconds < 10) return unit(seconds, 'second', 1)
      const whole = Math.round(seconds)
      const first = steps.findIndex(([, length]) => whole >= length)
      const parts: string[] = []
      let left = whole
      for (const [name, length] of steps.slice(first, first + 2)) {
        const count = Math.floor(left / length)
        left -= count * length
        if (count > 0) parts.push(unit(count, name, 0))
      }
      return parts.join(' ')
    },
    /** A time span in seconds, as a word within a sentence: its largest unit in full. */
    length(seconds: number) {
      const [name, length] = steps.find(([, length]) => seconds >= length) ?? ['second', 1]
      const digits = seconds < 10 ? 1 : 0
      return new Intl.NumberFormat(locale, {
        style: 'unit',
        unit: name,
        unitDisplay: 'long',
        maximumFractionDigits: digits,
      }).format(seconds / length)
    },
    /** How far a time is from now, in the unit that suits it. */
    relative(at: Date, now: number) {
      const seconds = Math.round((at.getTime() - now) / 1000)
      // The clocks of a browser and a server differ: what just happened is not in the future.
      if (Math.abs(seconds) < 5) return ago.format(0, 'second')
      const [name, length] = steps.find(([, length]) => Math.abs(seconds) >= length) ?? ['second', 1]
      return ago.format(Math.trunc(seconds / length), name)
    },
    /** A date with its time. */
    moment: (at: Date) => moment.format(at),
    /** A time of the day. */
    clock: (at: Date) => clock.format(at),
  }
}

const formats = new Map<string, Format>()

/** What writes values in the language of the page. One for all: making it takes longer than a row of a list may. */
export function useFormat(): Format {
  const { i18n } = useTranslation()
  const known = formats.get(i18n.language)
  if (known) return known
  const format = formatIn(localeOf(i18n.language))
  formats.set(i18n.language, format)
  return format
}
