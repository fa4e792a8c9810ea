import { useEffect, useRef } from 'react'
import { Field } from '../../design/Field'
import { TypedInput } from '../../design/TypedInput'
import { isTyped } from '../list/keys'

type Props = { label: string; text: string; onSearch: (text: string) => void }

/** A text to search for; it is looked for once typing rests. The key / leads to it. */
export function Search({ label, text, onSearch }: Props) {
  const input = useRef<HTMLInputElement>(null)
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
    <Field label={label} labelHidden>
      <TypedInput
        ref={input}
        type="search"
        maxLength={200}
        placeholder={label}
        value={text}
        onRest={(typed) => onSearch(typed.trim())}
      />
    </Field>
  )
}
