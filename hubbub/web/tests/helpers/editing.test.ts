import { describe, expect, test } from 'vitest'
import { continued, isInFence, linked, marked, type Change, type Written } from '../../src/helpers/editing'

/** A text with its selection between two bars, or its caret at one. */
function at(text: string): Written {
  const start = text.indexOf('|')
  const end = text.lastIndexOf('|')
  return { text: text.replaceAll('|', ''), start, end: end > start ? end - 1 : start }
}

function after({ text }: Written, change: Change | null): string | null {
  if (!change) return null
  const { from, to, by, start, end } = change
  const made = text.slice(0, from) + by + text.slice(to)
  return start === end
    ? `${made.slice(0, start)}|${made.slice(start)}`
    : `${made.slice(0, start)}|${made.slice(start, end)}|${made.slice(end)}`
}

test.each([
  ['a |b| c', '**', 'a **|b|** c'],
  ['a **|b|** c', '**', 'a |b| c'],
  ['a |', '*', 'a *|*'],
  ['**|b|**', '*', '***|b|***'],
  ['***|b|***', '*', '**|b|**'],
  ['|重要|', '`', '`|重要|`'],
])('%s with %s', (before, mark, expected) => {
  expect(after(at(before), marked(at(before), mark))).toBe(expected)
})

describe('a line goes on', () => {
  test.each([
    ['- a|', '- a\n- |'],
    ['  * a|b', '  * a\n  * |b'],
    ['9. a|', '9. a\n10. |'],
    ['x\n1) a|', 'x\n1) a\n2) |'],
    ['> a|', '> a\n> |'],
    ['> > - a|', '> > - a\n> > - |'],
    ['- a\n- |', '- a\n|'],
    ['> |', '|'],
    ['```\n  a|', '```\n  a\n  |'],
    ['```js|', '```js\n|'],
  ])('%j', (before, expected) => {
    expect(after(at(before), continued(at(before)))).toBe(expected)
  })

  test.each(['a|', '-a|', '', '|- a|', '1.a|'])('%j as ever', (before) => {
    expect(continued(at(before))).toBeNull()
  })
})

describe('a pasted address', () => {
  test.each([
    ['see |here| now', 'https://example.org', 'see [here](https://example.org)| now'],
    ['|a|', ' https://example.org/a_(b) ', '[a](<https://example.org/a_(b)>)|'],
  ])('%s becomes a link', (before, address, expected) => {
    expect(after(at(before), linked(at(before), address))).toBe(expected)
  })

  test.each([
    ['a|', 'https://example.org'],
    ['|a\nb|', 'https://example.org'],
    ['|a|', 'javascript:alert(1)'],
    ['|a|', 'text'],
    ['|https://a.example|', 'https://example.org'],
    ['```\n|a|', 'https://example.org'],
  ])('on %j stays %s', (before, address) => {
    expect(linked(at(before), address)).toBeNull()
  })
})

test('a fence is open until its like', () => {
  const text = 'a\n````\nb\n```\nc\n````\nd'
  expect([...'abcd'].map((letter) => isInFence(text, text.indexOf(letter)))).toEqual([
    false,
    true,
    true,
    false,
  ])
})
