import type { ButtonHTMLAttributes, Ref } from 'react'
import styles from './Button.module.css'

type Kind = 'primary' | 'plain' | 'quiet' | 'danger'

/** The classes of a link that looks as a button does. */
export function buttonLink(kind: Kind = 'plain', small = false): string {
  return [styles.button, kind !== 'plain' && styles[kind], small && styles.small].filter(Boolean).join(' ')
}

type Props = ButtonHTMLAttributes<HTMLButtonElement> & {
  kind?: Kind
  small?: boolean
  /** Only an icon: give an aria-label, too. */
  icon?: boolean
  /** Something is under way: the button keeps the focus and does nothing. */
  busy?: boolean
  ref?: Ref<HTMLButtonElement>
}

/** A button. It submits nothing unless its type says so. */
export function Button({ kind = 'plain', small, icon, busy, className, onClick, type = 'button', ...rest }: Props) {
  const classes = [buttonLink(kind, small), icon && styles.icon, busy && styles.busy, className]
  return (
    <button
      type={type}
      className={classes.filter(Boolean).join(' ')}
      aria-busy={busy || undefined}
      aria-disabled={busy || undefined}
      onClick={(event) => (busy ? event.preventDefault() : onClick?.(event))}
      {...rest}
    />
  )
}
