import type { InputHTMLAttributes } from 'react'

type Props = Omit<InputHTMLAttributes<HTMLInputElement>, 'value' | 'defaultValue' | 'onChange'> & {
  value: string | undefined
  /** Texts that are complete as soon as they are typed or chosen. */
  known?: readonly string[]
  /** Gets the text without spaces around it; undefined if it is empty. */
  onEnter: (text: string | undefined) => void
}

/** An input whose text counts once it is complete: at Enter, or when the field is left, if it is valid. */
export function EnteredInput({ value, known, onEnter, ...others }: Props) {
  function enter(input: HTMLInputElement) {
    const text = input.value.trim() || undefined
    if (text !== value && input.validity.valid) onEnter(text)
  }
  return (
    <input
      // Another value, such as by the browser's back button, is shown, too.
      key={value}
      autoComplete="off"
      spellCheck={false}
      {...others}
      defaultValue={value}
      onChange={(event) => known?.includes(event.target.value) && enter(event.currentTarget)}
      onBlur={(event) => enter(event.currentTarget)}
      onKeyDown={(event) => event.key === 'Enter' && enter(event.currentTarget)}
    />
  )
}
