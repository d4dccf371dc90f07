import { expect, test } from 'vitest'
import { addressAt, hostToShow, safeHref } from '../../src/helpers/links'

// What becomes of addresses in whole messages is in the fixture of Markdown.

test.each([
  ['https://example.org/a?b=1#c, please', 'https://example.org/a?b=1#c'],
  ['https://example.org/a。然后', 'https://example.org/a'],
  ['https://example.org/文档', 'https://example.org/'],
  ['https://example.org/a)', 'https://example.org/a'],
  ['https://example.org/a_(b)', 'https://example.org/a_(b)'],
  ['https://example.org/a...', 'https://example.org/a'],
  ['HTTP://EXAMPLE.ORG', 'HTTP://EXAMPLE.ORG'],
  ['https://[::1]:8000/', 'https://[::1]:8000/'],
  ['https://example.org**', 'https://example.org'],
])('%s begins with an address', (text, address) => {
  expect(addressAt(text, 0)).toBe(address)
  expect(addressAt(`看${text}`, 1)).toBe(address)
})

test.each([
  'javascript:alert(1)',
  'ftp://example.org',
  'https://',
  'http://%',
  'https://bank.example@evil.example/',
  'https://user:word@evil.example/',
  'https://аpple.example/',
  'https://appleа.example/',
])('%s has none', (text) => {
  expect(addressAt(text, 0)).toBeNull()
})

test('what was written as an address is followed if it is plain', () => {
  expect(safeHref('https://example.org/你 好')).toBe('https://example.org/%E4%BD%A0%20%E5%A5%BD')
  expect(safeHref('mailto:ann@example.org?subject=x')).toBe('mailto:ann@example.org?subject=x')
  for (const no of ['', 'x', '/x', '//x', 'javascript:x', 'https:x', 'https://a@b', 'https://例.example']) {
    expect(safeHref(no)).toBeNull()
  }
})

test('a host is named beside words that name another', () => {
  expect(hostToShow('https://evil.example/x', 'https://bank.example')).toBe('evil.example')
  expect(hostToShow('https://www.bank.example:443/', 'Bank.example')).toBeNull()
  expect(hostToShow('https://example.org/a', 'here')).toBeNull()
  expect(hostToShow('https://xn--e1awd7f.example/', 'here')).toBe('xn--e1awd7f.example')
})

test('floods take linear time', () => {
  expect(addressAt('https://'.repeat(2000), 0)).toBe('https://https')
  expect(addressAt(`https://a.example/${')'.repeat(16_000)}`, 0)).toBe('https://a.example/')
})
