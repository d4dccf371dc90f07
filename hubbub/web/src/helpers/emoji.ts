/*
 * The emoji there are, and which of them somebody means.  The table comes when
 * it is first wanted.
 */

export interface Emoji {
  emoji: string
  en: string
  zh: string
  /** Everything that it is found by, in both languages. */
  words: readonly string[]
}

let loading: Promise<Emoji[][]> | undefined

/** Load the groups, once; one that failed is tried again. */
export function loadEmoji(): Promise<Emoji[][]> {
  loading ??= import('virtual:emoji').then(
    ({ groups }) => groups.map((group) => group.map(emojiOf)),
    (error: unknown) => {
      loading = undefined
      throw error
    },
  )
  return loading
}

function emojiOf([emoji, en, zh, words]: readonly [string, string, string, string]): Emoji {
  return { emoji, en, zh, words: [en, zh, ...words.split(' ')].map((word) => word.toLowerCase()) }
}

/** Those that a query means, the likeliest first: each of its words is found in theirs. */
export function foundEmoji(groups: readonly (readonly Emoji[])[], query: string, most: number): Emoji[] {
  const wanted = query.trim().toLowerCase().split(/\s+/u)
  const rank = ({ emoji, words }: Emoji): number => {
    if (emoji === query.trim()) return 0
    const ranks = wanted.map((part) => rankOf(words, part))
    return Math.max(...ranks)
  }
  const all = groups.flat().map((each) => ({ each, rank: rank(each) }))
  const found = all.filter(({ rank }) => rank < NOT_FOUND).sort((one, other) => one.rank - other.rank)
  return found.slice(0, most).map(({ each }) => each)
}

const NOT_FOUND = 4

/** Whether a word is one of these, begins a name or a word, or is somewhere in them. */
function rankOf(words: readonly string[], part: string): number {
  if (words.includes(part)) return 0
  if (words.slice(0, 2).some((name) => name.startsWith(part))) return 1
  if (words.some((word) => word.startsWith(part))) return 2
  return words.some((word) => word.includes(part)) ? 3 : NOT_FOUND
}
