import { expect, test } from 'vitest'
import { recentEmoji, withRecent } from '../../src/models/recent'

const keeping = (value: unknown) => ({ get: () => value })

test('what was used last comes first, and once', () => {
  expect(withRecent(['🎉', '👍'], '👍')).toEqual(['👍', '🎉'])
  expect(withRecent(['👍'], '👍')).toBeNull()
  expect(
    withRecent(
      Array.from({ length: 24 }, (_, at) => `${at}`),
      '👍',
    ),
  ).toHaveLength(24)
})

test('what another program kept there does no harm', () => {
  expect(recentEmoji(keeping(undefined))).toEqual([])
  expect(recentEmoji(keeping({ a: 1 }))).toEqual([])
  expect(recentEmoji(keeping(['👍', 1, null]))).toEqual(['👍'])
})
