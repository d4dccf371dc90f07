import { expect, test } from 'vitest'
import { foundEmoji, loadEmoji } from '../../src/helpers/emoji'

const found = async (query: string): Promise<string[]> =>
  foundEmoji(await loadEmoji(), query, 12).map(({ emoji }) => emoji)

test.each([
  ['grin', '😀'],
  ['红心', '❤️'],
  ['heart red', '❤️'],
  ['鼓掌', '👏'],
  ['狗', '🐶'],
  ['China', '🇨🇳'],
  ['🎉', '🎉'],
])('%s is found', async (query, emoji) => {
  expect(await found(query)).toContain(emoji)
})

test('what is meant comes first, and nothing where nothing is meant', async () => {
  expect((await found('dog face'))[0]).toBe('🐶')
  expect(await found('xyzzy')).toEqual([])
})

test('there is a name for each in both languages, and each is there once', async () => {
  const all = (await loadEmoji()).flat()
  expect(all.length).toBeGreaterThan(1800)
  expect(new Set(all.map(({ emoji }) => emoji)).size).toBe(all.length)
  expect(all.filter(({ en, zh }) => !en || !/\p{Script=Han}/u.test(zh)).length).toBeLessThan(20)
})
