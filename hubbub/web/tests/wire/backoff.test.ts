import { expect, test } from 'vitest'
import { backoff } from '../../src/wire/backoff'

test('the first wait is under a second', () => {
  expect(backoff(1, () => 0)).toBe(0)
  expect(backoff(1, () => 0.999)).toBeLessThan(1000)
})

test('waits double up to thirty seconds', () => {
  const longest = [1, 2, 3, 4, 5, 6, 7, 60].map((n) => backoff(n, () => 1))
  expect(longest).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
})
