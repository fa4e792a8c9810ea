import { useFormat } from '../../format/format'
import styles from './filter.module.css'

/** The ages that a person can choose, in hours. */
const ages = [1, 6, 24, 72, 168]

type Props = {
  label: string
  /** What stands for no choice. */
  any: string
  value: string | undefined
  onChoose: (value: string | undefined) => void
}

/** How long ago something was, as a choice. */
export function Age({ label, any, value, onChoose }: Props) {
  const format = useFormat()
  const known = ages.map((hours) => `${hours}h`)
  return (
    <label className={styles.age}>
      <span>{label}</span>
      <select value={value ?? ''} onChange={(event) => onChoose(event.target.value || undefined)}>
        <option value="">{any}</option>
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
