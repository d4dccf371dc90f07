/*
 * What keys and pastes make of a text that is being written.  Each gives a
 * change, or null where the field does by itself what is wanted.
 */

import { safeHref } from './links'

export interface Written {
  text: string
  /** What is selected: from where, to where. */
  start: number
  end: number
}

export interface Change {
  /** What is replaced, by what. */
  from: number
  to: number
  by: string
  /** What is selected afterwards. */
  start: number
  end: number
}

const ITEM = /^(?<sign>(?:\s*>)*\s*(?:[-*+]|(?<number>\d{1,9})(?<after>[.)]))\s+|(?:\s*>)+\s?)(?<rest>.*)$/u
const FENCE = /^ {0,3}(?<fence>`{3,}|~{3,})/u

/** Put a mark around what is selected, or take it away. */
export function marked({ text, start, end }: Written, mark: string): Change {
  const inner = text.slice(start, end)
  const size = mark.length
  const isWithin = text.slice(start - size, start) === mark && text.slice(end, end + size) === mark
  // One sign of a longer mark is no mark by itself.
  const isLonger = size === 1 && text[start - 2] === mark && text[start - 3] !== mark
  if (isWithin && !isLonger) {
    return { from: start - size, to: end + size, by: inner, start: start - size, end: end - size }
  }
  return { from: start, to: end, by: mark + inner + mark, start: start + size, end: end + size }
}

/** Begin a line as the one before: with its quote, its bullet or its next number; an empty one ends. */
export function continued({ text, start, end }: Written): Change | null {
  const from = text.lastIndexOf('\n', start - 1) + 1
  const line = text.slice(from, start)
  if (start !== end) return null
  if (isInFence(text, start)) return insert(start, `\n${/^\s*/u.exec(line)?.[0] ?? ''}`)
  const found = ITEM.exec(line)?.groups
  if (!found) return null
  const { sign = '', number, after, rest } = found
  if (rest === '') return { from, to: start, by: '', start: from, end: from }
  const next =
    number === undefined ? sign : sign.replace(`${number}${after}`, `${Number(number) + 1}${after}`)
  return insert(start, `\n${next}`)
}

/** Make a link of what is selected, if an address is pasted over it. */
export function linked({ text, start, end }: Written, pasted: string): Change | null {
  const words = text.slice(start, end)
  const address = pasted.trim()
  if (words.trim() === '' || /[\n[\]]/u.test(words) || isInFence(text, start)) return null
  if (!/^https?:/iu.test(address) || safeHref(address) === null || safeHref(words.trim()) !== null)
    return null
  const by = `[${words}](${/[()\s]/u.test(address) ? `<${address}>` : address})`
  return { from: start, to: end, by, start: start + by.length, end: start + by.length }
}

/** Whether a place is in a fence that was begun. */
export function isInFence(text: string, at: number): boolean {
  let open: string | null = null
  for (const line of text.slice(0, at).split('\n')) {
    const fence = FENCE.exec(line)?.groups?.['fence']
    if (open === null) open = fence ?? null
    else if (fence?.startsWith(open) && line.trim() === fence) open = null
  }
  return open !== null
}

function insert(at: number, by: string): Change {
  return { from: at, to: at, by, start: at + by.length, end: at + by.length }
}
