import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parse } from '../../../src/helpers/markdown/parse'
import type { Block, Inline } from '../../../src/helpers/markdown/tree'
import fixture from '../../../../tests/markdown.json' with { type: 'json' }

/** What the terminal shows of the same texts is tested by the same file. */
test.each(fixture)('$name: $source', ({ source, tree }) => {
  expect(parse(source)).toEqual(tree)
})

type Node = Block | Exclude<Inline, string>

const KINDS = [
  ...['paragraph', 'heading', 'quote', 'list', 'fence', 'rule', 'table'],
  ...['break', 'code', 'mention', 'strong', 'emphasis', 'struck', 'link'],
]

/** Every node of a tree, with how deep it is. */
function* walk(value: unknown, depth = 0): Generator<[Node, number]> {
  if (Array.isArray(value)) for (const each of value) yield* walk(each, depth)
  else if (typeof value === 'object' && value !== null) {
    if ('kind' in value) yield [value as Node, depth]
    for (const each of Object.values(value)) yield* walk(each, depth + 1)
  }
}

const SCRIPTS = [
  'javascript:alert(1)',
  'JAVASCRIPT:alert(1)',
  'jAvAsCrIpT:alert(1)',
  ' javascript:alert(1)',
  'java\nscript:alert(1)',
  'java\tscript:alert(1)',
  'java\u0000script:alert(1)',
  '\u0001javascript:alert(1)',
  'javascript&colon;alert(1)',
  'javascript&#58;alert(1)',
  'javascript&#x3a;alert(1)',
  '&#106;&#97;vascript:alert(1)',
  'java%0ascript:alert(1)',
  'javascript%3aalert(1)',
  'javascript\\:alert(1)',
  'javascript://example.org/%0aalert(1)',
  'javascript:https://example.org',
  'data:text/html,<script>alert(1)</script>',
  'data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==',
  'data:image/svg+xml,<svg onload=alert(1)>',
  'vbscript:msgbox(1)',
  'livescript:x',
  'feed:javascript:alert(1)',
  'view-source:javascript:alert(1)',
  'blob:https://example.org/x',
  'filesystem:https://example.org/x',
  'file:///etc/passwd',
  'intent://x#Intent;end',
  '//evil.example',
  '\\\\evil.example',
  '/v1/auth/logout',
  '?x',
  '#x',
  'https:evil.example',
  'https:/evil.example',
  'https:///evil.example',
  'https:\\\\evil.example',
  'https://example.org\\@evil.example',
  'https://bank.example@evil.example',
  'https://bank.example:443@evil.example',
  'https://ｅｖｉｌ.example',
  'https://\u202eevil.example',
  'mailto:a@b.example\r\nBcc:c@d.example',
  'ht\u200btps://evil.example',
]
const PLACES: ((address: string) => string)[] = [
  (address) => address,
  (address) => `[x](${address})`,
  (address) => `[x](<${address}>)`,
  (address) => `[x](${address} "title")`,
  (address) => `![x](${address})`,
  (address) => `<${address}>`,
  (address) => `[![x](${address})](${address})`,
  (address) => `[x]\n\n[x]: ${address}`,
  (address) => `**[x](${address}**)`,
  (address) => `> - |[x](${address})|\n> - |-|`,
  (address) => `<a href="${address}">x</a>`,
  (address) => `<img src=x onerror="${address}">`,
  (address) => `"><svg onload=${address}>`,
  (address) => `[x](https://example.org" onmouseover="${address})`,
]

describe('whoever writes it', () => {
  test.each(SCRIPTS)('%j is never followed', (script) => {
    for (const place of PLACES) {
      for (const [node] of walk(parse(place(script)))) {
        expect(KINDS).toContain(node.kind)
        if (node.kind !== 'link') continue
        expect(node.href).toMatch(/^(?:https?:\/\/[\w.[\]:-]+(?:[/?#][!-~]*)?|mailto:[!-~]+)$/iu)
        const { protocol, username, hostname } = new URL(node.href)
        expect(protocol).toMatch(/^(?:https?|mailto):$/u)
        expect(username + hostname).not.toMatch(/evil/u)
      }
    }
  })

  test('a half character stays one', () => {
    expect(parse('a \ud83d [x](https://example.org/\ud83d)')).toEqual([
      {
        kind: 'paragraph',
        inner: ['a \ud83d ', { kind: 'link', href: 'https://example.org/%EF%BF%BD', inner: ['x'] }],
      },
    ])
  })

  test('nothing written is lost or throws', () => {
    const signs = [
      '*',
      '**',
      '_',
      '~~',
      '`',
      '```',
      '[',
      ']',
      '(',
      ')',
      '<',
      '>',
      '!',
      '#',
      '-',
      '|',
      '\n',
      ' ',
      '1.',
    ]
    const words = ['a', '书', '。', '<@u_a>', 'https://a.example/', '\\', '  \n', '\t', '&amp;', '😀']
    let seed = 1
    const next = (): number => (seed = (seed * 48271) % 2147483647)
    for (let round = 0; round < 400; round += 1) {
      const pick = (): string => [...signs, ...words][next() % (signs.length + words.length)] ?? ''
      const text = Array.from({ length: 24 }, pick).join('')
      const shown = JSON.stringify(parse(text))
      for (const word of ['a', '书', '😀']) if (text.includes(word)) expect(shown).toContain(word)
    }
  })
})

describe('the worst of the longest', () => {
  const WORST = [
    ...['*', '**a', '*a ', '_', '_a ', '~~', '~~a ', '`', '`a', '[', ']', '[a](', '![', '<', '<@u_', '!'],
    ...['a@', '(', ')', '\\', '> ', '>', '- ', '1. ', '# ', '|', '|-', '|\n', '\n', ' ', '://', 'https://'],
    ...[
      'https://a.example/(',
      '[[]',
      '**a*',
      '书**。',
      '```\n',
      '~~~a\n',
      '- a\n',
      '> a\n',
      '> - ',
      'a\n',
      '&#',
      '[x](<',
    ],
  ]
  const worst = (piece: string, length: number): string => piece.repeat(length / piece.length)

  // How often the parser looks at a character says how much it does, on any machine.
  const { charCodeAt } = String.prototype
  let looks = 0

  beforeEach(() => {
    String.prototype.charCodeAt = function (index): number {
      looks += 1
      return charCodeAt.call(this, index)
    }
  })

  afterEach(() => {
    String.prototype.charCodeAt = charCodeAt
  })

  test.each(WORST)('%j again and again', (piece) => {
    const work = [8000, 16000].map((length) => {
      looks = 0
      const depths = [...walk(parse(worst(piece, length)))].map(([, depth]) => depth)
      expect(Math.max(0, ...depths)).toBeLessThan(60)
      expect(depths.length).toBeLessThan(length * 2)
      return looks
    })
    const [half = 0, whole = 0] = work
    expect(whole).toBeLessThan(2.5 * half + 2000)
  })

  test('a table has the cells that were written', () => {
    const table = `${'|a'.repeat(200)}|\n${'|-'.repeat(200)}|\n${'|\n'.repeat(5000)}`
    const tables = parse(table).filter((block) => block.kind === 'table')
    expect(tables.map(({ rows }) => rows.flat().length)).toEqual([200])
  })
})
