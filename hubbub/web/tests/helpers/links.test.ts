import { expect, test } from 'vitest'
import { linkParts } from '../../src/helpers/links'

const links = (text: string) => linkParts(text).flatMap(({ href }) => href ?? [])

test('text without addresses is one part', () => {
  expect(linkParts('hello, 世界')).toEqual([{ text: 'hello, 世界' }])
  expect(linkParts('')).toEqual([])
})

test('an address stands between texts', () => {
  expect(linkParts('see https://example.org/a?b=1#c, please')).toEqual([
    { text: 'see ' },
    { text: 'https://example.org/a?b=1#c', href: 'https://example.org/a?b=1#c' },
    { text: ', please' },
  ])
})

test.each([
  ['看https://example.org/文档', 'https://example.org/'],
  ['（https://example.org/a）', 'https://example.org/a'],
  ['https://example.org/a。然后', 'https://example.org/a'],
  ['(https://example.org/a)', 'https://example.org/a'],
  ['https://example.org/a_(b)', 'https://example.org/a_(b)'],
  ['HTTP://EXAMPLE.ORG', 'http://example.org/'],
  ['"https://example.org/a"', 'https://example.org/a'],
  ['https://[::1]:8000/', 'https://[::1]:8000/'],
])('%s', (text, href) => {
  expect(links(text)).toEqual([href])
})

test.each([
  'javascript:alert(1)',
  'data:text/html,<script>1</script>',
  'ftp://example.org',
  'https://',
  'http://%',
  'https://bank.example@evil.example/',
  'https://user:word@evil.example/',
  'https://аpple.example/',
])('%s is text', (text) => {
  expect(links(text)).toEqual([])
  expect(
    linkParts(text)
      .map((part) => part.text)
      .join(''),
  ).toBe(text)
})

test('nothing is lost', () => {
  const text = 'a https://b.example/(c) d\nhttps://e.example... f https://@g h'
  expect(
    linkParts(text)
      .map((part) => part.text)
      .join(''),
  ).toBe(text)
})

test('long floods take linear time', () => {
  const work = (length: number): number => linkParts('https://'.repeat(length) + '('.repeat(length)).length
  expect(work(2000)).toBeLessThanOrEqual(2)
})
