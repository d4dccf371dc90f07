/*
 * Makes the tree of a message's text.
 *
 * 1. Every text has a tree, and what is written is seen in it.
 * 2. No tree is deeper than the dialect's blocks and MOST_INNER marks in them.
 */

import type { MarkdownIt } from 'markdown-it'
import { hostToShow } from '../links'
import { dialect } from './dialect'
import { inlineWords, wordsOf, type Align, type Block, type Inline } from './tree'

type Token = ReturnType<MarkdownIt['parse']>[number]

const MOST_INNER = 8
const MARKS = { strong: 'strong', em: 'emphasis', s: 'struck' } as const
const LANGUAGE = /^[a-z0-9+#._-]{1,20}$/iu

export function parse(text: string): Block[] {
  const blocks = new Blocks(dialect.parse(text, {})).all()
  // A single sign may be a list or a heading of nothing: here it is what was said.
  const isSeen = wordsOf(blocks, (id) => id).trim() !== '' || blocks.some(({ kind }) => kind === 'rule')
  return isSeen || text.trim() === '' ? blocks : [{ kind: 'paragraph', inner: linesOf(text) }]
}

function linesOf(text: string): Inline[] {
  return text
    .trim()
    .split('\n')
    .flatMap((line, index): Inline[] => (index > 0 ? [{ kind: 'break' }, line] : [line]))
}

/** Takes tokens from the front, one after another. */
class Blocks {
  #at = 0

  constructor(private readonly tokens: readonly Token[]) {}

  /** The blocks up to the end of what they stand in. */
  all(): Block[] {
    const blocks: Block[] = []
    for (let token = this.#next(); token && token.nesting >= 0; token = this.#next()) {
      blocks.push(...this.#block(token))
    }
    return blocks
  }

  #next(): Token | undefined {
    return this.tokens[this.#at++]
  }

  #block(token: Token): Block[] {
    switch (token.type) {
      case 'paragraph_open':
        return [{ kind: 'paragraph', inner: this.#inner() }]
      case 'heading_open':
        return [{ kind: 'heading', level: Number(token.tag[1]), inner: this.#inner() }]
      case 'blockquote_open':
        return [{ kind: 'quote', blocks: this.all() }]
      case 'bullet_list_open':
        return [{ kind: 'list', items: this.#items() }]
      case 'ordered_list_open':
        return [{ kind: 'list', start: Number(token.attrGet('start') ?? 1), items: this.#items() }]
      case 'fence':
        return [fenceOf(token)]
      case 'table_open':
        return [this.#table()]
      default:
        return token.type === 'hr' ? [{ kind: 'rule' }] : []
    }
  }

  /** What stands in the lines of a block, whose end follows. */
  #inner(): Inline[] {
    const inner = inlinesOf(this.#next()?.children ?? [])
    this.#at += 1
    return inner
  }

  #items(): Block[][] {
    const items: Block[][] = []
    while (this.#next()?.type === 'list_item_open') items.push(this.all())
    return items
  }

  #table(): Block {
    const aligned: Align[] = []
    const rows: Inline[][][] = []
    for (let token = this.#next(); token && token.type !== 'table_close'; token = this.#next()) {
      if (token.type === 'tr_open') rows.push([])
      if (token.type === 'th_open') aligned.push(alignOf(token))
      if (token.type === 'th_open' || token.type === 'td_open') rows.at(-1)?.push(this.#inner())
    }
    return { kind: 'table', aligned, rows: rows.map(written) }
  }
}

/** A row without the cells that nobody wrote: a few lines could ask for thousands. */
function written(row: readonly Inline[][]): Inline[][] {
  return row.slice(0, row.findLastIndex((cell) => cell.length > 0) + 1)
}

function alignOf(token: Token): Align {
  const [, side = null] = /^text-align:(left|center|right)$/u.exec(String(token.attrGet('style'))) ?? []
  return side as Align
}

/** What follows the fence is a language if it is one word; else somebody began to write there. */
function fenceOf({ content, info }: Token): Block {
  const words = info.trim()
  const text = content.replace(/\n$/u, '')
  if (words === '') return { kind: 'fence', text }
  if (LANGUAGE.test(words)) return { kind: 'fence', text, language: words.toLowerCase() }
  return { kind: 'fence', text: `${words}\n${text}` }
}

interface Open {
  readonly token?: Token
  readonly inner: Inline[]
}

function inlinesOf(tokens: readonly Token[]): Inline[] {
  const opened: Open[] = [{ inner: [] }]
  for (const token of tokens) {
    if (token.nesting > 0) opened.push({ token, inner: [] })
    else if (token.nesting < 0) close(opened)
    else add(opened.at(-1)!.inner, ...leaf(token))
  }
  return opened[0]!.inner
}

/** What is too deep stands by itself, without its mark. */
function close(opened: Open[]): void {
  const { token, inner } = opened.pop()!
  const mark = token && opened.length <= MOST_INNER ? marked(token, inner) : null
  add(opened.at(-1)!.inner, ...(mark ? [mark] : inner))
}

function marked(token: Token, inner: Inline[]): Inline | null {
  if (token.tag !== 'a') return { kind: MARKS[token.tag as keyof typeof MARKS], inner }
  return linkOf(String(token.attrGet('href') ?? ''), inner)
}

function linkOf(href: string, inner: Inline[]): Inline | null {
  if (href === '') return null
  const host = hostToShow(
    href,
    inlineWords(inner, (id) => id),
  )
  return { kind: 'link', href, inner: inner.length > 0 ? inner : [href], ...(host !== null && { host }) }
}

function leaf(token: Token): Inline[] {
  switch (token.type) {
    case 'softbreak':
    case 'hardbreak':
      return [{ kind: 'break' }]
    case 'code_inline':
      return [{ kind: 'code', text: token.content }]
    case 'mention':
      return [{ kind: 'mention', user: token.content }]
    case 'image':
      return imageOf(token)
    default:
      return token.content === '' ? [] : [token.content]
  }
}

/** A picture from elsewhere isn't loaded: it would tell its server who reads this, and when. */
function imageOf(token: Token): Inline[] {
  const words = inlineWords(inlinesOf(token.children ?? []), (id) => id)
  const inner = words === '' ? [] : [words]
  const link = linkOf(String(token.attrGet('src') ?? ''), inner)
  return link ? [link] : inner
}

/** Add to a line; texts that meet become one. */
function add(line: Inline[], ...nodes: readonly Inline[]): void {
  for (const node of nodes) {
    const last = line.at(-1)
    if (typeof node === 'string' && typeof last === 'string') line[line.length - 1] = last + node
    else line.push(node)
  }
}
