import { useEffect, useState } from 'react'

/** A number that changes with the theme, for what is drawn with its colours. */
export function useThemeChange(): number {
  const [count, setCount] = useState(0)
  useEffect(() => {
    const changed = () => setCount((n) => n + 1)
    const chosen = new MutationObserver(changed)
    chosen.observe(document.documentElement, { attributeFilter: ['data-theme'] })
    const system = matchMedia('(prefers-color-scheme: dark)')
    system.addEventListener('change', changed)
    return () => {
      chosen.disconnect()
      system.removeEventListener('change', changed)
    }
  }, [])
  return count
}
