import { expect, test } from 'vitest'
import { highlight } from '../../../src/helpers/code/highlight'
import { runsOf } from '../../../src/helpers/code/runs'

const LANGUAGES = [
  'bash',
  'sh',
  'c++',
  'c',
  'css',
  'diff',
  'go',
  'java',
  'js',
  'json',
  'py',
  'rs',
  'sql',
  'ts',
  'html',
  'yml',
]

test.each(LANGUAGES)('%s is known, and loses nothing', async (language) => {
  const text = `const a = "<b>&amp;" // it's\n# 注释 'x'\n+ <i>1</i>\n`
  const runs = await highlight(text, language)
  expect(runs?.map((run) => run.text).join('')).toBe(text)
})

test('parts have looks', async () => {
  expect(await highlight('return "<a>" # b', 'python')).toEqual([
    { text: 'return', look: 'keyword' },
    { text: ' ' },
    { text: '"<a>"', look: 'string' },
    { text: ' ' },
    { text: '# b', look: 'comment' },
  ])
})

test('what is within takes the look of what it is in', () => {
  expect(runsOf('<span class="hljs-string">a<span class="hljs-subst">b</span></span>&lt;c&#x27;')).toEqual([
    { text: 'a', look: 'string' },
    { text: 'b', look: 'string' },
    { text: "<c'" },
  ])
})

test('other languages and long code stay plain', async () => {
  expect(await highlight('x', 'brainfuck')).toBeNull()
  expect(await highlight('x'.repeat(10_001), 'js')).toBeNull()
})
