import { expect, test } from 'vitest'
import { excerpt } from '../../../src/helpers/markdown/excerpt'

const nameOf = (): string => 'Ann'

test('what was said is one line without marks', () => {
  expect(excerpt('**one**\n\n<@u_ann>  `two`', nameOf)).toBe('one @Ann two')
  expect(excerpt('> a\n- [b](https://example.org)\n```js\nc\n```\n|d|e|\n|-|-|\n---', nameOf)).toBe(
    'a b c d e',
  )
})

test('a long text is looked at no further than needed', () => {
  expect(excerpt('a '.repeat(8000), nameOf)).toHaveLength(200)
})
