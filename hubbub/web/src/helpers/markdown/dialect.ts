/*
 * The Markdown of messages: CommonMark with tables and strikethrough, less what
 * takes people who write a message by surprise, and with Chinese in mind.
 *
 * 1. What is written is seen: no HTML, no entities, no definitions that vanish.
 * 2. Emphasis works beside Chinese characters and punctuation, where there are
 *    no spaces.
 * 3. A line after a quote or a list that isn't marked as theirs isn't theirs.
 * 4. Nothing is deeper than DEPTH; what would be, is a paragraph.
 */

import MarkdownIt, { type StateBlock, type StateInline } from 'markdown-it'
import { addressAt, safeHref } from '../links'
import { isCjk } from '../script'

/** How many lists, items and quotes a block may stand in. */
export const DEPTH = 10
const NESTING = 20

const SPACE = 0x20
const SURPRISES = ['code', 'html_block', 'reference', 'lheading', 'html_inline', 'entity', 'linkify']
/** A sign between two of these is a part of a name or a sum: snake_case, 2*3*4. */
const WORD = /[A-Za-z0-9]/u
const MENTION = /<@(u_[A-Za-z0-9_-]{1,62})>/uy
const SCHEME = /(?:^|[^a-z0-9])(https?)$/iu

export const dialect = new MarkdownIt({ html: false, breaks: true })
dialect.set({ maxNesting: NESTING }).disable(SURPRISES)
dialect.normalizeLink = (url) => safeHref(url) ?? ''
dialect.normalizeLinkText = (text) => text
dialect.validateLink = (url) => url !== ''
dialect.block.ruler.before('table', 'too_deep', tooDeep)
dialect.block.ruler.before('paragraph', 'quote_end', quoteEnd, { alt: ['blockquote'] })
dialect.block.ruler.before('paragraph', 'item_end', itemEnd, { alt: ['paragraph'] })
dialect.inline.ruler.before('autolink', 'mention', mention)
dialect.inline.ruler.push('address', address)

const { isMdAsciiPunct, isPunctCharCode, isWhiteSpace } = dialect.utils

/** Scans for emphasis as the extension of CommonMark for Chinese, Japanese and Korean has it. */
dialect.inline.State = class extends dialect.inline.State {
  override scanDelims(start: number, canSplitWord: boolean): ReturnType<StateInline['scanDelims']> {
    const { length } = super.scanDelims(start, canSplitWord)
    const before = codeBefore(this.src, start)
    const after = start + length < this.posMax ? this.src.codePointAt(start + length)! : SPACE
    if (length === 1 && WORD.test(this.src[start - 1] ?? '') && WORD.test(this.src[start + 1] ?? '')) {
      return { can_open: false, can_close: false, length }
    }
    const opens = leans(before, after)
    const closes = leans(after, before)
    return {
      can_open: opens && (canSplitWord || !closes || isPunct(before)),
      can_close: closes && (canSplitWord || !opens || isPunct(after)),
      length,
    }
  }
}

/** Whether a mark between these leans on the second: is left-flanking, or mirrored right-flanking. */
function leans(outer: number, inner: number): boolean {
  if (isWhiteSpace(inner)) return false
  return !isPunct(inner) || isCjk(inner) || isWhiteSpace(outer) || isPunct(outer) || isCjk(outer)
}

function isPunct(code: number): boolean {
  return isMdAsciiPunct(code) || isPunctCharCode(code)
}

function codeBefore(text: string, at: number): number {
  if (at === 0) return SPACE
  const pair = at > 1 ? text.codePointAt(at - 2)! : 0
  return pair > 0xffff ? pair : text.charCodeAt(at - 1)
}

/** What would be too deep is shown as it is written. */
function tooDeep(state: StateBlock, start: number, end: number, silent: boolean): boolean {
  if (silent || state.level < DEPTH) return false
  let next = start + 1
  while (next < end && (state.isEmpty(next) || state.sCount[next]! >= state.blkIndent)) next += 1
  state.line = next
  state.push('paragraph_open', 'p', 1)
  const inline = state.push('inline', '', 0)
  inline.content = state.getLines(start, next, state.blkIndent, false).trim()
  inline.children = []
  state.push('paragraph_close', 'p', -1)
  return true
}

/** A line without the mark of the quote before it; tables ask the same rules. */
function quoteEnd(state: StateBlock, _line: number, _end: number, silent: boolean): boolean {
  return silent && state.parentType === 'blockquote'
}

/** A line that stands further out than the item before it. */
function itemEnd(state: StateBlock, line: number, _end: number, silent: boolean): boolean {
  return silent && state.sCount[line]! < state.blkIndent
}

function mention(state: StateInline, silent: boolean): boolean {
  MENTION.lastIndex = state.pos
  const [found, user = ''] = MENTION.exec(state.src) ?? []
  if (found === undefined) return false
  if (!silent) state.push('mention', '', 0).content = user
  state.pos += found.length
  return true
}

/** An address that just stands there; within a link's words it is only words. */
function address(state: StateInline, silent: boolean): boolean {
  if (silent || state.linkLevel > 0 || !state.src.startsWith('://', state.pos)) return false
  const scheme = SCHEME.exec(state.pending.slice(-6))?.[1]
  const found = scheme && addressAt(state.src.slice(0, state.posMax), state.pos - scheme.length)
  if (!scheme || !found) return false
  state.pending = state.pending.slice(0, -scheme.length)
  state.push('link_open', 'a', 1).attrs = [['href', found]]
  state.push('text', '', 0).content = found
  state.push('link_close', 'a', -1)
  state.pos += found.length - scheme.length
  return true
}
