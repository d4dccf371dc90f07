/*
 * The reader's choice of light or dark.  What it comes to is decided in
 * boot.ts, which runs before anything is drawn; this only tells it the choice.
 */

import { recall, remember } from './memory'

export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

export function chosenTheme(): Theme {
  const choice = document.documentElement.dataset['choice'] ?? recall('theme')
  return THEMES.find((theme) => theme === choice) ?? 'system'
}

export function chooseTheme(theme: Theme): void {
  remember('theme', theme === 'system' ? null : theme)
  document.documentElement.dataset['choice'] = theme
  window.dispatchEvent(new Event('themechange'))
}
