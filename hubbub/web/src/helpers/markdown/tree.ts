/*
 * What a message consists of: blocks, and what stands in their lines.  All that
 * views may show of a text is in these; there is no node for anything else.
 */

import type { NameOf } from '../mentions'

export type Inline =
  | string
  | { kind: 'break' }
  | { kind: 'code'; text: string }
  | { kind: 'mention'; user: string }
  | { kind: 'strong' | 'emphasis' | 'struck'; inner: Inline[] }
  | Link

export interface Link {
  kind: 'link'
  href: string
  inner: Inline[]
  /** Where it leads, if its words may pass for another place. */
  host?: string
}

export type Align = 'left' | 'center' | 'right' | null

export type Block =
  | { kind: 'paragraph'; inner: Inline[] }
  | { kind: 'heading'; level: number; inner: Inline[] }
  | { kind: 'quote'; blocks: Block[] }
  | { kind: 'list'; start?: number; items: Block[][] }
  | { kind: 'fence'; text: string; language?: string }
  | { kind: 'rule' }
  /** The first row is the head. */
  | { kind: 'table'; aligned: Align[]; rows: Inline[][][] }

/** What a tree says, in words alone. */
export function wordsOf(blocks: readonly Block[], nameOf: NameOf): string {
  return blocks.map((block) => blockWords(block, nameOf)).join('\n')
}

function blockWords(block: Block, nameOf: NameOf): string {
  switch (block.kind) {
    case 'paragraph':
    case 'heading':
      return inlineWords(block.inner, nameOf)
    case 'quote':
      return wordsOf(block.blocks, nameOf)
    case 'list':
      return block.items.map((item) => wordsOf(item, nameOf)).join('\n')
    case 'fence':
      return block.text
    case 'rule':
      return ''
    case 'table':
      return block.rows.map((row) => row.map((cell) => inlineWords(cell, nameOf)).join(' ')).join('\n')
  }
}

export function inlineWords(inner: readonly Inline[], nameOf: NameOf): string {
  const words = inner.map((node) => {
    if (typeof node === 'string') return node
    if (node.kind === 'break') return '\n'
    if (node.kind === 'code') return node.text
    if (node.kind === 'mention') return `@${nameOf(node.user)}`
    return inlineWords(node.inner, nameOf)
  })
  return words.join('')
}
