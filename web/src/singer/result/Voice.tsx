import { useTranslation } from 'react-i18next'
import type { Schemas } from '../../api/client'
import { interval, midiOf, noteName } from '../notes/notes'
import { Piano } from './Piano'
import styles from './Result.module.css'

/** What a singer reached and where the voice was at ease, on a keyboard and in words. */
export function Voice({ pitch }: { pitch: Schemas['Analysis']['pitch'] }) {
  const { t } = useTranslation('result')
  const width = useInterval(midiOf(pitch.min_hz), midiOf(pitch.max_hz))
  const range = { low: noteName(midiOf(pitch.min_hz)), high: noteName(midiOf(pitch.max_hz)) }
  const ease = { low: noteName(midiOf(pitch.tessitura_low_hz)), high: noteName(midiOf(pitch.tessitura_high_hz)) }
  const one = range.low === range.high
  return (
    <section className={styles.panel} aria-labelledby="voice">
      <h2 id="voice">{t('voice.title')}</h2>
      {!range.low && <p>{t('voice.silent')}</p>}
      {range.low && (
        <>
          <Piano
            low={midiOf(pitch.min_hz)}
            high={midiOf(pitch.max_hz)}
            easeLow={midiOf(pitch.tessitura_low_hz)}
            easeHigh={midiOf(pitch.tessitura_high_hz)}
          />
          <div>
            <p>{one ? t('voice.oneNote', range) : t('voice.range', { ...range, interval: width })}</p>
            {ease.low && !one && <p>{t('voice.tessitura', ease)}</p>}
          </div>
        </>
      )}
    </section>
  )
}

/** An interval in words, such as “1 octave and 7 semitones”. */
function useInterval(low: number, high: number): string {
  const { t, i18n } = useTranslation('result')
  if (!Number.isFinite(low) || !Number.isFinite(high)) return ''
  const { octaves, semitones } = interval(low, high)
  const parts = [
    octaves > 0 && t('voice.octaves', { count: octaves }),
    (semitones > 0 || octaves === 0) && t('voice.semitones', { count: semitones }),
  ].filter((part) => part !== false)
  return new Intl.ListFormat(i18n.language, { type: 'unit', style: 'long' }).format(parts)
}
