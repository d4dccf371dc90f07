/*
 * The first letters of names, so that 小林 is found by `xl`.  The table comes
 * when it is first wanted; before, and without it, only letters are letters.
 */

const FIRST = 0x4e00
const WORD = /\p{Script=Han}|[^\p{Script=Han}\s\p{Punctuation}]+/gu

/** The letters that a character may begin with. */
export type LettersOf = (character: string) => string

export const plainLetters: LettersOf = (character) => character.toLowerCase()

let loading: Promise<LettersOf> | undefined

/** Load the table, once. */
export function loadLetters(): Promise<LettersOf> {
  loading ??= import('virtual:initials').then(({ first, more }) => {
    const others = new Map(
      [...more.matchAll(/(.)([a-z]+)/gu)].map(([, character, letters]) => [character, letters]),
    )
    return (character) => {
      const letter = first[(character.codePointAt(0) ?? 0) - FIRST]
      return letter === undefined ? plainLetters(character) : letter + (others.get(character) ?? '')
    }
  })
  return loading
}

/** Whether a name's words, from one of them on, begin with these letters. */
export function hasInitials(name: string, letters: string, lettersOf: LettersOf): boolean {
  const words = [...name.matchAll(WORD)].map(([word]) => lettersOf([...word][0] ?? ''))
  const wanted = [...letters.toLowerCase()]
  return words.some((_, start) => wanted.every((letter, index) => words[start + index]?.includes(letter)))
}
