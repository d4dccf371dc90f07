import { describe, expect, test } from 'vitest'
import { loadLetters, plainLetters } from '../../src/helpers/initials'
import { kept, mentionPieces, queryAt, ranked, readable, spelling, written } from '../../src/helpers/mentions'

const ANN = { id: 'u_ann', name: 'Ann' }
const ANNA = { id: 'u_anna', name: 'Anna' }
const LIN = { id: 'u_lin', name: '小林' }
const OTHER_LIN = { id: 'u_lin2', name: '小林' }
const nameOf = (id: string) => ({ u_ann: 'Ann', u_anna: 'Anna', u_lin: '小林', u_lin2: '小林' })[id] ?? '?'

test('a text is cut at whom it speaks of', () => {
  expect(mentionPieces('hi <@u_ann>, <@u_lin>')).toEqual([
    { text: 'hi ' },
    { user: 'u_ann' },
    { text: ', ' },
    { user: 'u_lin' },
  ])
  expect(mentionPieces('<@ann> <@u_> a@b')).toEqual([{ text: '<@ann> <@u_> a@b' }])
})

test('read where nothing can be marked, it has names', () => {
  expect(readable('hi <@u_lin>', nameOf)).toBe('hi @小林')
})

describe('kept', () => {
  test('names become ids, the longest first', () => {
    expect(kept('@Anna and @Ann', [ANN, ANNA])).toBe('<@u_anna> and <@u_ann>')
    expect(kept('＠小林你好', [LIN])).toBe('<@u_lin>你好')
  })

  test('in code nobody is spoken of', () => {
    expect(kept('`@Ann` @Ann', [ANN])).toBe('`@Ann` <@u_ann>')
    expect(kept('```\n@Ann\n```\n@Ann', [ANN])).toBe('```\n@Ann\n```\n<@u_ann>')
    expect(kept('~~~ js\n@Ann', [ANN])).toBe('~~~ js\n@Ann')
    expect(kept('`@Ann', [ANN])).toBe('`<@u_ann>')
  })

  test('a longer word is another word', () => {
    expect(kept('@Annabel', [ANN])).toBe('@Annabel')
  })

  test('what nobody chose stays text', () => {
    expect(kept('@Ann @bo', [])).toBe('@Ann @bo')
  })

  test('names of signs are names', () => {
    const odd = { id: 'u_odd', name: 'a.*(b)[c]$^\\/-|' }
    expect(kept(`@${odd.name} !`, [odd])).toBe('<@u_odd> !')
  })

  test('what is edited comes back as it was', () => {
    const text = 'hi <@u_ann>, <@u_anna> and <@u_lin>你好'
    const half = written(text, nameOf)
    expect(half.text).toBe('hi @Ann, @Anna and @小林你好')
    expect(kept(half.text, half.spoken)).toBe(text)
  })

  test('two of one name stay two', () => {
    const text = '<@u_lin> <@u_lin2>'
    const half = written(text, nameOf)
    expect(half.text).toBe('@小林 <@u_lin2>')
    expect(kept(half.text, half.spoken)).toBe(text)
    expect(spelling(OTHER_LIN, [LIN])).toBe('<@u_lin2>')
    expect(spelling(LIN, [LIN])).toBe('@小林')
  })
})

describe('a name that is begun', () => {
  test.each([
    ['@', { start: 0, query: '' }],
    ['hi @an', { start: 3, query: 'an' }],
    ['你好＠小', { start: 2, query: '小' }],
    ['(@x', { start: 1, query: 'x' }],
    ['mail ann@ex', null],
    ['@ann ', null],
    ['nothing', null],
  ])('%j', (text, found) => {
    expect(queryAt(text, text.length)).toEqual(found)
  })

  test('ends at the caret', () => {
    expect(queryAt('@ann and @bo', 4)).toEqual({ start: 0, query: 'ann' })
    expect(queryAt('@ann', -1)).toBeNull()
  })
})

describe('who is meant', () => {
  const people = [ANN, ANNA, LIN, { id: 'u_zeng', name: '曾 Joanna' }, { id: 'u_zhou', name: '周明' }]
  const found = async (query: string) => ranked(people, query, await loadLetters()).map(({ name }) => name)

  test('by the beginning before the middle', async () => {
    expect(await found('ann')).toEqual(['Ann', 'Anna', '曾 Joanna'])
  })

  test('by pinyin initials, in every reading', async () => {
    expect(await found('xl')).toEqual(['小林'])
    expect(await found('l')).toEqual(['小林'])
    expect(await found('zm')).toEqual(['周明'])
    expect(await found('c')).toEqual(['曾 Joanna'])
    expect(await found('zj')).toEqual(['曾 Joanna'])
    expect(await found('q')).toEqual([])
  })

  test('without the table by letters alone', () => {
    expect(ranked(people, 'xl', plainLetters)).toEqual([])
    expect(ranked(people, '林', plainLetters)).toEqual([LIN])
  })
})
