import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from './Button'

/** Copies a text, and says that it did, or that the browser did not let it. */
export function Copy({ text, label, small = true }: { text: string; label?: string; small?: boolean }) {
  const { t } = useTranslation()
  const [came, setCame] = useState<'copied' | 'notCopied'>()
  const button = useRef<HTMLButtonElement>(null)
  useEffect(() => {
    if (!came) return
    const timer = setTimeout(() => setCame(undefined), 3000)
    return () => clearTimeout(timer)
  }, [came])
  async function copy() {
    const done = (await write(text)) || writeFrom(button.current?.parentElement, text)
    button.current?.focus()
    setCame(done ? 'copied' : 'notCopied')
  }
  return (
    <>
      <Button small={small} ref={button} onClick={() => void copy()}>
        {came ? t(`state.${came}`) : (label ?? t('state.copy'))}
      </Button>
      {/* What changes within a button is not read out. */}
      <span role="status" className="hidden-visually">
        {came && t(`state.${came}`)}
      </span>
    </>
  )
}

async function write(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false
  }
}

// A page that came by plain HTTP from another machine has no clipboard. A dialog keeps the focus within itself, so
// the text is selected beside the button.
function writeFrom(place: HTMLElement | null | undefined, text: string): boolean {
  if (!place) return false
  const area = document.createElement('textarea')
  area.value = text
  area.className = 'hidden-visually'
  place.append(area)
  area.select()
  const done = document.execCommand('copy')
  area.remove()
  return done
}
