/*
 * Decides light or dark before the first pixel is drawn, and again when the
 * choice or the system changes.  The only script that the page waits for; it
 * stands alone, as a script that imports couldn't be waited for.
 */

{
  const root = document.documentElement
  const system = matchMedia('(prefers-color-scheme: dark)')

  const stored = (): string | null => {
    try {
      return localStorage.getItem('hubbub.theme')
    } catch {
      return null
    }
  }

  const decide = (): void => {
    const choice = root.dataset['choice'] ?? stored() ?? 'system'
    const dark = choice === 'dark' || (choice !== 'light' && system.matches)
    root.dataset['theme'] = dark ? 'dark' : 'light'
  }

  decide()
  system.addEventListener('change', decide)
  window.addEventListener('themechange', decide)
  window.addEventListener('storage', (event) => {
    if (event.key !== 'hubbub.theme') return
    delete root.dataset['choice']
    decide()
  })
}
