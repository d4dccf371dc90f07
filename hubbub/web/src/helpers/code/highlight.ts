/* Which parts of code are what, in the languages that are known. */

import { runsOf, type Run } from './runs'

/** More than a screen of code is only read, and would take its time. */
const MOST = 10_000

/** The runs of code in a language; null where it stays plain. */
export async function highlight(text: string, language: string): Promise<Run[] | null> {
  if (text.length > MOST) return null
  const { highlighter } = await import('./languages')
  if (!highlighter.getLanguage(language)) return null
  return runsOf(highlighter.highlight(text, { language, ignoreIllegals: true }).value)
}
