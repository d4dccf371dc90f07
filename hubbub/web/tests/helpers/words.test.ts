import { describe, expect, test } from 'vitest'
import { en, type Words } from '../../src/helpers/en'
import { isolate, pluralOf, sentence } from '../../src/helpers/words'
import { zh } from '../../src/helpers/zh'

/** Every sentence of a dictionary, its functions called with something. */
function sentences(words: object): string[] {
  return Object.values(words).flatMap((value: unknown) => {
    if (typeof value === 'string') return [value]
    if (typeof value === 'function')
      return [String((value as (one: unknown, other: unknown) => unknown)(['x'], 'y'))]
    return sentences(value as object)
  })
}

describe.each<[string, Words]>([
  ['en', en],
  ['zh', zh],
])('%s', (_language, words) => {
  test('no sentence is empty', () => {
    expect(sentences(words).filter((sentence) => sentence.trim() === '')).toEqual([])
  })

  test('no sentence is left unfilled', () => {
    expect(words.newMessages(1200)).toContain('1,200')
    expect(sentences(words).join()).not.toMatch(/undefined|\[object/)
  })

  test('unknown failures have words too', () => {
    expect(words.failed('never_heard_of')).not.toContain('never_heard_of')
  })
})

test('no subject takes a word from another', () => {
  const subjects = import.meta.glob<{ en: object }>('../../src/helpers/words/*.en.ts', { eager: true })
  const keys = Object.values(subjects).flatMap(({ en }) => Object.keys(en))
  expect(keys.toSorted()).toEqual(Object.keys(en).toSorted())
})

test('plurals follow the language', () => {
  expect([1, 2].map(en.newMessages)).toEqual(['1 new message', '2 new messages'])
  expect(pluralOf('en')(1, { one: '# here', other: '# are here' })).toBe('1 here')
})

test('who types is a list', () => {
  const names = ['小林', 'Ann', 'Bo', 'Chen']
  const plain = (text: string): string => text.replace(/[\u2068\u2069]/g, '')
  expect(plain(zh.typing(names.slice(0, 1)))).toBe('小林正在输入…')
  expect(plain(zh.typing(names.slice(0, 2)))).toBe('小林和Ann 正在输入…')
  expect(plain(en.typing(names.slice(0, 3)))).toBe('小林, Ann, and Bo are typing…')
  expect(en.typing(names)).not.toContain('Ann')
})

test('names are isolated', () => {
  expect(isolate('שלום')).toBe('\u2068שלום\u2069')
})

test('names in other letters stand off from Chinese', () => {
  const plain = (text: string): string => text.replace(/[\u2068\u2069]/g, '')
  expect(plain(zh.beginning('读书会 Reading night'))).toBe('读书会 Reading night 从这里开始。')
  expect(plain(zh.beginning('读书会'))).toBe('读书会从这里开始。')
  expect(plain(zh.kickTitle('Ann'))).toBe('将 Ann 移出这个房间？')
  expect(plain(zh.leaveRoomTitle('tea'))).toBe('离开 tea？')
  expect(plain(sentence`${'a'}，${'书'}b`)).toBe('a，书b')
})
