/** How the page looks. */
export type Theme = 'system' | 'light' | 'dark'

const remembered = 'orak.theme'

/** The theme that was chosen in this browser. */
export function chosenTheme(): Theme {
  const theme = localStorage.getItem(remembered)
  return theme === 'light' || theme === 'dark' ? theme : 'system'
}

/** Changes the theme of the page, and remembers it in this browser. */
export function chooseTheme(theme: Theme) {
  localStorage.setItem(remembered, theme)
  applyTheme()
}

/** Makes the page look as was chosen. */
export function applyTheme() {
  const theme = chosenTheme()
  if (theme === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme
}
