/* Why a name wasn't taken, in words: by what the server said, or that it said nothing. */

import type { Words } from '../helpers/en'

export function explainRefusal(code: string, words: Words): string {
  if (code === 'unreachable') return words.nameUnreachable
  return code === 'too_many_requests' ? words.nameTooMany : words.nameInvalid
}
