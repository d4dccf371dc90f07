/*
 * Speaking of people: as `<@u_id>` where a text is kept, since names change and
 * aren't unique, as a name where it is read, and as `@name` where it is written.
 */

import { hasInitials, type LettersOf } from './initials'

export interface Named {
  id: string
  name: string
}

export type Piece = { text: string } | { user: string }
export type NameOf = (id: string) => string

const MENTION = /<@(u_[A-Za-z0-9_-]{1,62})>/gu
/** What a name may be written after; an address has a letter there. */
const QUERY = /(?:^|[^A-Za-z0-9._%+-])(?<sign>[@＠])(?<query>[^\s@＠]{0,24})$/u

/** A fence up to its end or the text's, or a code span. */
const CODE = String.raw`(?:^|(?<=\n)) {0,3}(?<fence>\x60{3,}|~{3,})[^\n]*(?:\n[\s\S]*?(?:\n {0,3}\k<fence>|$)|$)|(?<!\x60)(?<ticks>\x60+)(?!\x60)[\s\S]*?(?<!\x60)\k<ticks>(?!\x60)`

/** A text cut into what was written and whom it speaks of. */
export function mentionPieces(text: string): Piece[] {
  const pieces: Piece[] = []
  let done = 0
  for (const { 0: found, 1: user = '', index } of text.matchAll(MENTION)) {
    if (index > done) pieces.push({ text: text.slice(done, index) })
    pieces.push({ user })
    done = index + found.length
  }
  if (done < text.length) pieces.push({ text: text.slice(done) })
  return pieces
}

/** A text as it is read where nothing can be marked. */
export function readable(text: string, nameOf: NameOf): string {
  return text.replace(MENTION, (_, user: string) => `@${nameOf(user)}`)
}

/** A kept text as it is edited, and whom its names stand for. */
export function written(text: string, nameOf: NameOf): { text: string; spoken: Named[] } {
  const spoken: Named[] = []
  const edited = text.replace(MENTION, (whole, id: string) => {
    const name = nameOf(id)
    if (clashes(spoken, { id, name })) return whole
    spoken.push({ id, name })
    return `@${name}`
  })
  return { text: edited, spoken }
}

/** A written text as it is kept.  In code nobody is spoken of. */
export function kept(text: string, spoken: readonly Named[]): string {
  if (spoken.length === 0) return text
  const ids = new Map(spoken.map(({ id, name }) => [name, id]))
  // The longest first: @Anna isn't @Ann and an a.
  const names = [...ids.keys()].sort((one, other) => other.length - one.length)
  const pattern = new RegExp(`${CODE}|[@＠](?<name>${names.map(literal).join('|')})`, 'gu')
  return text.replace(pattern, (whole, ...found) => {
    const index = found.at(-3) as number
    const { name } = found.at(-1) as { name?: string }
    if (name === undefined || goesOn(name, text.slice(index + whole.length))) return whole
    return `<@${ids.get(name)}>`
  })
}

/** How to write of somebody: by name, unless that stands for another in this text already. */
export function spelling(person: Named, spoken: readonly Named[]): string {
  return clashes(spoken, person) ? `<@${person.id}>` : `@${person.name}`
}

/** The beginning of a name that is being written before the caret, and where it starts. */
export function queryAt(text: string, caret: number): { start: number; query: string } | null {
  if (caret < 0) return null
  const { query } = QUERY.exec(text.slice(0, caret))?.groups ?? {}
  return query === undefined ? null : { start: caret - query.length - 1, query }
}

/** Those whom a query may mean, the likeliest first. */
export function ranked<P extends Named>(people: readonly P[], query: string, lettersOf: LettersOf): P[] {
  const wanted = query.toLowerCase()
  const rank = ({ name }: P): number => {
    const lower = name.toLowerCase()
    if (lower.startsWith(wanted)) return 0
    if (lower.includes(wanted)) return 1
    return hasInitials(name, wanted, lettersOf) ? 2 : 3
  }
  const all = people.map((person) => ({ person, at: rank(person) })).filter(({ at }) => at < 3)
  return all.sort((one, other) => one.at - other.at).map(({ person }) => person)
}

function clashes(spoken: readonly Named[], { id, name }: Named): boolean {
  return spoken.some((other) => other.name === name && other.id !== id)
}

/** Whether a word of letters that stand together runs on. */
function goesOn(name: string, rest: string): boolean {
  const joined = /^[^\p{Script=Han}]$/u
  const [next = ''] = rest
  return /[\p{L}\p{N}]/u.test(next) && joined.test(next) && joined.test([...name].at(-1) ?? '')
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/gu, '\\$&')
}
