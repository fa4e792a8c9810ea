import { useTranslation } from 'react-i18next'
import type { Schemas } from '../../api/client'
import { Badge } from '../../design/Badge'
import { useFormat } from '../../format/format'
import { tonicName } from '../notes/notes'
import styles from './Facts.module.css'
import { certainty, loudness, pace, peaksCut, silence } from './judge'
import panel from './Result.module.css'

/** Key, tempo, loudness and how much was sung, each with a word on what it means. */
export function Facts({ analysis }: { analysis: Schemas['Analysis'] }) {
  const { t } = useTranslation('result')
  const format = useFormat()
  return (
    <section className={panel.panel} aria-label={`${t('facts.key')}, ${t('facts.tempo')}, ${t('facts.loudness')}`}>
      <dl className={styles.facts}>
        <KeyFact found={analysis.key} />
        <TempoFact tempo={analysis.tempo} />
        <LoudnessFact loud={analysis.loudness} />
        <Fact name={t('facts.sung')} value={format.percent(analysis.pitch.voiced_ratio)} text={t('facts.sungText')} />
      </dl>
    </section>
  )
}

type FactProps = { name: string; value: string; text: string; unsure?: boolean }

function Fact({ name, value, text, unsure }: FactProps) {
  const { t } = useTranslation('result')
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <span className={styles.value}>{value}</span> {unsure && <Badge tone="warn">{t('facts.unsure')}</Badge>}
        <p className={panel.soft}>{text}</p>
      </dd>
    </div>
  )
}

function KeyFact({ found }: { found: Schemas['Key'] }) {
  const { t } = useTranslation(['result', 'singer'])
  const how = certainty(found.tonic !== '', found.confidence)
  if (how === 'none') return <Fact name={t('facts.key')} value={t('facts.noKey')} text={t('facts.noKeyText')} />
  return (
    <Fact
      name={t('facts.key')}
      value={t(`singer:key.${found.mode || 'major'}`, { tonic: tonicName(found.tonic, found.mode || 'major') })}
      text={t(how === 'sure' ? 'facts.keySure' : 'facts.keyUnsure')}
      unsure={how === 'unsure'}
    />
  )
}

function TempoFact({ tempo }: { tempo: Schemas['Analysis']['tempo'] }) {
  const { t } = useTranslation('result')
  const format = useFormat()
  const how = certainty(tempo.bpm > 0, tempo.confidence)
  if (how === 'none') return <Fact name={t('facts.tempo')} value={t('facts.noTempo')} text={t('facts.noTempoText')} />
  return (
    <Fact
      name={t('facts.tempo')}
      value={t('facts.tempoValue', { bpm: format.number(Math.round(tempo.bpm)) })}
      text={how === 'sure' ? t(`facts.tempo${pace(tempo.bpm)}`) : t('facts.tempoUnsure')}
      unsure={how === 'unsure'}
    />
  )
}

function LoudnessFact({ loud }: { loud: Schemas['Analysis']['loudness'] }) {
  const { t } = useTranslation('result')
  const format = useFormat()
  const { integrated_lufs: lufs, true_peak_dbtp: peak } = loud
  if (lufs < silence)
    return <Fact name={t('facts.loudness')} value={t('facts.silence')} text={t('facts.silenceText')} />
  const text = t(`facts.loudness${loudness(lufs)}`)
  return (
    <Fact
      name={t('facts.loudness')}
      value={t('facts.loudnessValue', { lufs: format.number(lufs).replace('-', '−') })}
      text={peaksCut(peak) ? `${text} ${t('facts.peaks')}` : text}
    />
  )
}
