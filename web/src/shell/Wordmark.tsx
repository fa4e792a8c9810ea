import icon from './icon.svg'
import styles from './Wordmark.module.css'

/** The name of the product. */
export function Wordmark() {
  return (
    <span className={styles.mark}>
      <img src={icon} alt="" />
      <span>orak</span>
    </span>
  )
}
