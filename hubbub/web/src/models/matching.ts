/*
 * How well a name answers what was typed: the letters in their order, not
 * necessarily side by side.  Chinese has no spaces, so that any character may
 * begin a word.
 */

/** Higher is better; null if it doesn't. */
export function matchOf(typed: string, name: string): number | null {
  const wanted = [...fold(typed).replaceAll(/\s/gu, '')]
  const letters = [...fold(name)]
  if (wanted.length === 0) return 0
  let score = 0
  let last = -1
  for (const letter of wanted) {
    const found = letters.indexOf(letter, last + 1)
    if (found < 0) return null
    score += worth(letters, found, last)
    last = found
  }
  return score - letters.length / 100
}

/** Those that match, the best first; in their order where nothing was typed. */
export function matching<T>(typed: string, things: readonly T[], nameOf: (thing: T) => string): T[] {
  const found = things.flatMap((thing) => {
    const score = matchOf(typed, nameOf(thing))
    return score === null ? [] : [{ thing, score }]
  })
  if (typed.trim() !== '') found.sort((one, other) => other.score - one.score)
  return found.map(({ thing }) => thing)
}

/** At the beginning, at the beginning of a word or right after the last one it is what was meant. */
function worth(letters: readonly string[], at: number, last: number): number {
  if (at === 0) return 6
  if (at === last + 1) return 4
  const before = letters[at - 1] ?? ''
  return /[\p{Letter}\p{Number}]/u.test(before) && !/\p{Script=Han}/u.test(before) ? 1 : 3
}

function fold(text: string): string {
  return text.normalize('NFKC').toLocaleLowerCase()
}
