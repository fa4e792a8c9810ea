import { type InputHTMLAttributes, useEffect, useRef, useState } from 'react'

/** How long typing rests before the text counts, in milliseconds. */
const rest = 350

type Props = Omit<InputHTMLAttributes<HTMLInputElement>, 'value' | 'onChange'> & {
  value: string
  /** Gets the text once typing rests or the field is left. */
  onRest: (text: string) => void
  ref?: React.Ref<HTMLInputElement>
}

/**
 * An input whose text is kept elsewhere, such as in the address, and arrives there later. What is being typed is never
 * replaced, nor used while an input method composes it.
 */
export function TypedInput({ value, onRest, ...others }: Props) {
  const [text, setText] = useState(value)
  const [given, setGiven] = useState(value)
  const [focused, setFocused] = useState(false)
  const [composing, setComposing] = useState(false)
  if (value !== given) {
    setGiven(value)
    if (!focused) setText(value)
  }
  const latest = useRef(onRest)
  useEffect(() => {
    latest.current = onRest
  })
  const fresh = text.trim() !== value.trim()
  useEffect(() => {
    if (!fresh || composing) return
    const timer = setTimeout(() => latest.current(text), rest)
    return () => clearTimeout(timer)
  }, [text, fresh, composing])
  return (
    <input
      autoComplete="off"
      {...others}
      value={text}
      onChange={(event) => setText(event.target.value)}
      onCompositionStart={() => setComposing(true)}
      onCompositionEnd={() => setComposing(false)}
      onFocus={() => setFocused(true)}
      onBlur={() => {
        setFocused(false)
        if (fresh) onRest(text)
      }}
    />
  )
}
