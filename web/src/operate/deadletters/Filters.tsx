import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '../../design/Button'
import { Field } from '../../design/Field'
import { useFormat } from '../../format/format'
import { isTyped } from '../list/keys'
import { toggled, wordsOf } from '../search'
import { useWords } from '../words'
import styles from './Filters.module.css'
import { ages, type Filter, type facets, filters } from './filter'

const stages = ['receive', 'convert', 'analyze', 'publish']
const classes = ['input', 'transient', 'model', 'overload', 'dependency', 'internal']

type Props = {
  filter: Filter
  counted: ReturnType<typeof facets> | undefined
  onChoose: (filter: Filter) => void
}

/** Which dead letters are shown. */
export function Filters({ filter, counted, onChoose }: Props) {
  const { t } = useTranslation('letters')
  const words = useWords()
  return (
    <search className={styles.filters}>
      <Search text={filter.text ?? ''} onSearch={(text) => onChoose({ ...filter, text: text || undefined })} />
      <div className={styles.ages}>
        <Age label={t('filter.newer')} value={filter.newer} onChoose={(newer) => onChoose({ ...filter, newer })} />
        <Age label={t('filter.older')} value={filter.older} onChoose={(older) => onChoose({ ...filter, older })} />
        {filters(filter) && (
          <Button small kind="quiet" onClick={() => onChoose({})}>
            {t('filter.clear')}
          </Button>
        )}
      </div>
      <div className={styles.groups}>
        <Chips
          label={t('filter.stage')}
          words={stages}
          chosen={wordsOf(filter.stage)}
          counts={counted?.byStage}
          name={words.stage}
          onChoose={(chosen) => onChoose({ ...filter, stage: chosen?.join(',') })}
        />
        <Chips
          label={t('filter.class')}
          words={classes}
          chosen={wordsOf(filter.class)}
          counts={counted?.byClass}
          name={words.class}
          onChoose={(chosen) => onChoose({ ...filter, class: chosen?.join(',') })}
        />
      </div>
    </search>
  )
}

function Search({ text, onSearch }: { text: string; onSearch: (text: string) => void }) {
  const { t } = useTranslation('letters')
  const [typed, setTyped] = useState(text)
  const [before, setBefore] = useState(text)
  const input = useRef<HTMLInputElement>(null)
  // Another address, such as that of the button that clears the filter, replaces what was typed.
  if (before !== text) {
    setBefore(text)
    if (text !== typed.trim()) setTyped(text)
  }
  useEffect(() => {
    if (typed.trim() === text) return
    const timer = setTimeout(() => onSearch(typed.trim()), 300)
    return () => clearTimeout(timer)
  }, [typed])
  useEffect(() => {
    function press(event: globalThis.KeyboardEvent) {
      if (event.key !== '/' || event.ctrlKey || event.metaKey || isTyped(event.target)) return
      event.preventDefault()
      input.current?.focus()
    }
    document.addEventListener('keydown', press)
    return () => document.removeEventListener('keydown', press)
  }, [])
  return (
    <div className={styles.search}>
      <Field label={t('filter.text')} labelHidden>
        <input
          ref={input}
          type="search"
          maxLength={200}
          placeholder={t('filter.text')}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
        />
      </Field>
    </div>
  )
}

type ChipsProps = {
  label: string
  words: string[]
  chosen: string[] | undefined
  counts: Map<string, number> | undefined
  name: (word: string) => string
  onChoose: (chosen: string[] | undefined) => void
}

function Chips({ label, words, chosen, counts, name, onChoose }: ChipsProps) {
  const format = useFormat()
  const unknown = chosen?.filter((word) => !words.includes(word)) ?? []
  return (
    <fieldset className={styles.chips}>
      <legend>{label}</legend>
      {[...words, ...unknown].map((word) => {
        const pressed = chosen?.includes(word) ?? false
        const count = counts?.get(word) ?? 0
        return (
          <button
            key={word}
            type="button"
            className={styles.chip}
            aria-pressed={pressed}
            data-empty={(counts && count === 0 && !pressed) || undefined}
            onClick={() => onChoose(toggled(chosen, word))}
          >
            {name(word)}
            {counts && <span className={styles.count}>{format.number(count)}</span>}
          </button>
        )
      })}
    </fieldset>
  )
}

type AgeProps = { label: string; value: string | undefined; onChoose: (value: string | undefined) => void }

function Age({ label, value, onChoose }: AgeProps) {
  const { t } = useTranslation('letters')
  const format = useFormat()
  const known = ages.map((hours) => `${hours}h`)
  return (
    <label className={styles.age}>
      <span>{label}</span>
      <select value={value ?? ''} onChange={(event) => onChoose(event.target.value || undefined)}>
        <option value="">{t('filter.any')}</option>
        {value && !known.includes(value) && <option value={value}>{value}</option>}
        {ages.map((hours) => (
          <option key={hours} value={`${hours}h`}>
            {format.span(hours * 3600)}
          </option>
        ))}
      </select>
    </label>
  )
}
