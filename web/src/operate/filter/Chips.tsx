import { useFormat } from '../../format/format'
import { toggled } from '../search'
import styles from './filter.module.css'

type Props = {
  label: string
  words: string[]
  chosen: string[] | undefined
  /** How many there are of each, where that is known. */
  counts?: Map<string, number>
  name: (word: string) => string
  onChoose: (chosen: string[] | undefined) => void
}

/** Words of which any number can be chosen; none chosen is the same as all. */
export function Chips({ label, words, chosen, counts, name, onChoose }: Props) {
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
