/*
 * With which letters the pinyin of each Chinese character begins, made while
 * building, so that the page needs no dictionary: a module of two strings.
 */
import { pinyin } from 'pinyin-pro'
import type { Plugin } from 'vite'

const NAME = 'virtual:initials'
const FIRST = 0x4e00
const LAST = 0x9fff

export function initialsTable(): Plugin {
  return {
    name: 'initials-table',
    resolveId: (id) => (id === NAME ? `\0${NAME}` : undefined),
    load: (id) => (id === `\0${NAME}` ? table() : undefined),
  }
}

/** A letter for each character in order, and by themselves those with more than one. */
function table(): string {
  let first = ''
  let more = ''
  for (let code = FIRST; code <= LAST; code += 1) {
    const character = String.fromCharCode(code)
    const letters = lettersOf(character)
    first += letters[0] ?? ' '
    if (letters.length > 1) more += character + letters.slice(1).join('')
  }
  return `export const first = ${JSON.stringify(first)}\nexport const more = ${JSON.stringify(more)}\n`
}

function lettersOf(character: string): string[] {
  const readings = pinyin(character, { multiple: true, pattern: 'first', toneType: 'none', type: 'array' })
  return [...new Set(readings)].filter((letter) => /^[a-z]$/u.test(letter))
}
