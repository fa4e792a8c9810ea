import { type ReactNode, useMemo } from 'react'
import { Copy } from './Copy'
import styles from './Json.module.css'

const token = /("(?:\\.|[^"\\])*")(\s*:)?|\b(true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/** Colours a text that JSON.stringify wrote; the text itself stays as it is. */
function coloured(text: string): ReactNode[] {
  const parts: ReactNode[] = []
  let end = 0
  for (const match of text.matchAll(token)) {
    parts.push(text.slice(end, match.index))
    end = match.index + match[0].length
    const [whole, quoted, colon, word] = match
    const kind = quoted ? (colon ? styles.name : styles.string) : word ? styles.soft : styles.number
    parts.push(
      <span key={match.index} className={kind}>
        {whole}
      </span>,
    )
  }
  parts.push(text.slice(end))
  return parts
}

/** A value as JSON, to read and to copy. */
export function Json({ value, label }: { value: unknown; label: string }) {
  const text = useMemo(() => JSON.stringify(value, null, 2), [value])
  const parts = useMemo(() => coloured(text), [text])
  return (
    <div className={styles.frame}>
      <div className={styles.tools}>
        <Copy text={text} />
      </div>
      <pre className={styles.text} tabIndex={0} role="region" aria-label={label}>
        {parts}
      </pre>
    </div>
  )
}
