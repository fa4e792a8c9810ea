import { useTranslation } from 'react-i18next'
import { isBlack, noteName } from '../notes/notes'
import styles from './Piano.module.css'

type Props = { low: number; high: number; easeLow: number; easeHigh: number }

const white = 20
const keyHeight = 84

type Key = { midi: number; x: number; black: boolean }

/** The next note in a direction at which a keyboard may end without a cut black key. */
function edge(from: number, step: 1 | -1, classes: number[]): number {
  let midi = from
  while (!classes.includes(((midi % 12) + 12) % 12)) midi += step
  return midi
}

/** The keys around two notes, with their places. */
function keysFrom(low: number, high: number): Key[] {
  const first = edge(Math.round(low) - 2, -1, [0, 5])
  const last = edge(Math.round(high) + 2, 1, [4, 11])
  const keys: Key[] = []
  let x = 0
  for (let midi = first; midi <= last; midi++) {
    const black = isBlack(midi)
    keys.push({ midi, x: black ? x - white * 0.3 : x, black })
    if (!black) x += white
  }
  return keys
}

/** A keyboard with the range of a voice, and within it the notes at which it is at ease. */
export function Piano({ low, high, easeLow, easeHigh }: Props) {
  const { t } = useTranslation('result')
  const keys = keysFrom(low, high)
  const width = keys.filter((key) => !key.black).length * white
  const mark = ({ midi }: Key) => {
    if (midi >= Math.round(easeLow) && midi <= Math.round(easeHigh)) return styles.ease
    return midi >= Math.round(low) && midi <= Math.round(high) ? styles.range : undefined
  }
  const label = t('voice.keyboard', { low: noteName(low), high: noteName(high) })
  return (
    <figure className={styles.figure}>
      <svg viewBox={`-1 -1 ${width + 2} ${keyHeight + 42}`} role="img" aria-label={label} className={styles.piano}>
        {[...keys]
          .sort((a, b) => Number(a.black) - Number(b.black))
          .map((key) => (
            <rect
              key={key.midi}
              x={key.x}
              y={0}
              width={key.black ? white * 0.6 : white}
              height={key.black ? keyHeight * 0.62 : keyHeight}
              rx={2}
              className={`${key.black ? styles.black : styles.white} ${mark(key) ?? ''}`}
            />
          ))}
        {keys
          .filter((key) => key.midi % 12 === 0)
          .map((key) => (
            <text key={key.midi} x={key.x + white / 2} y={keyHeight - 6} className={styles.name}>
              {noteName(key.midi)}
            </text>
          ))}
        <Bar keys={keys} low={low} high={high} y={keyHeight + 12} className={styles.rangeBar} />
        <Bar keys={keys} low={easeLow} high={easeHigh} y={keyHeight + 30} className={styles.easeBar} />
      </svg>
      <figcaption className={styles.legend}>
        <span>
          <svg viewBox="0 0 20 10" aria-hidden="true">
            <path d="M1 5h18" className={styles.rangeBar} />
          </svg>
          {t('voice.legendRange')} {noteName(low)} – {noteName(high)}
        </span>
        {Number.isFinite(easeLow) && (
          <span>
            <svg viewBox="0 0 20 10" aria-hidden="true">
              <path d="M1 5h18" className={styles.easeBar} />
            </svg>
            {t('voice.legendTessitura')} {noteName(easeLow)} – {noteName(easeHigh)}
          </span>
        )}
        <span>{t('voice.middleC')}</span>
      </figcaption>
    </figure>
  )
}

function Bar({
  keys,
  low,
  high,
  y,
  className,
}: {
  keys: Key[]
  low: number
  high: number
  y: number
  className: string | undefined
}) {
  const middle = (midi: number) => {
    const key = keys.find((other) => other.midi === Math.round(midi))
    return key && key.x + (key.black ? white * 0.3 : white / 2)
  }
  const [from, to] = [middle(low), middle(high)]
  if (from === undefined || to === undefined) return null
  return <path d={`M${from} ${y}H${Math.max(to, from + 1)}`} className={className} />
}
