import { Children, cloneElement, type ReactElement, useId } from 'react'
import styles from './Field.module.css'

type Control = ReactElement<{ id?: string; 'aria-describedby'?: string; 'aria-invalid'?: boolean }>

type Props = {
  label: string
  hint?: string
  /** What is wrong with the value, if something is. */
  error?: string
  /** Only for screen readers, where the place says it to everybody else. */
  labelHidden?: boolean
  children: Control
}

/** A control with its label, a hint, and what is wrong with its value. */
export function Field({ label, hint, error, labelHidden, children }: Props) {
  const id = useId()
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ')
  const control = cloneElement(Children.only(children), {
    id,
    'aria-describedby': described || undefined,
    'aria-invalid': error ? true : undefined,
  })
  return (
    <div className={styles.field}>
      <label htmlFor={id} className={labelHidden ? 'hidden-visually' : styles.label}>
        {label}
      </label>
      {control}
      {hint && (
        <span id={`${id}-hint`} className={styles.hint}>
          {hint}
        </span>
      )}
      {error && (
        <span id={`${id}-error`} role="alert" className={styles.error}>
          {error}
        </span>
      )}
    </div>
  )
}
