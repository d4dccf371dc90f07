/* What was said, in few words: without marks, on one line. */

import type { NameOf } from '../mentions'
import { parse } from './parse'
import { wordsOf } from './tree'

const LOOKED_AT = 600
const MOST = 200

export function excerpt(text: string, nameOf: NameOf): string {
  return wordsOf(parse(text.slice(0, LOOKED_AT)), nameOf)
    .replace(/\s+/gu, ' ')
    .trim()
    .slice(0, MOST)
}
