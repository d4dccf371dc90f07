/*
 * What the end of a connection means.  The goodbye is right; without one the
 * close code is enough, and one that isn't known is as the others of its hundred.
 */

import type { Bye } from './frames.generated'

/** Why it ended for good: only another session helps, or only another page. */
export type Ending = 'reauth' | 'refused'

const BROKEN_RULES = new Set([1002, 1007, 1009])
/** No token or a wrong one, or a user who is shut out: under another name one may come in. */
const SHUT_OUT = new Set([4401, 4403])

/** Whether that was the end; null to come back. */
export function endingOf(closeCode: number | undefined, bye: Bye | null): Ending | null {
  const code = bye?.code ?? closeCode ?? 0
  const retry = bye && isKnown(bye.retry) ? bye.retry : retryAfter(code)
  if (retry === 'resume') return null
  return retry === 'reauth' || SHUT_OUT.has(code) ? 'reauth' : 'refused'
}

function isKnown(retry: string): boolean {
  return retry === 'resume' || retry === 'reauth' || retry === 'never'
}

function retryAfter(code: number): Bye['retry'] {
  if (BROKEN_RULES.has(code)) return 'never'
  const hundred = Math.floor(code / 100)
  if (hundred === 41) return 'reauth'
  return hundred === 44 ? 'never' : 'resume'
}
