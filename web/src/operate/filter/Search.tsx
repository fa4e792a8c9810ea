import { useEffect, useRef, useState } from 'react'
import { Field } from '../../design/Field'
import { isTyped } from '../list/keys'

type Props = { label: string; text: string; onSearch: (text: string) => void }

/** A text to search for; it is looked for once typing rests. The key / leads to it. */
export function Search({ label, text, onSearch }: Props) {
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
    <Field label={label} labelHidden>
      <input
        ref={input}
        type="search"
        maxLength={200}
        placeholder={label}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
      />
    </Field>
  )
}
