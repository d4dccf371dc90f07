import { expect, test } from 'vitest'
import { movedTo } from '../../src/helpers/grid'

test.each([
  ['ArrowRight', 0, 1],
  ['ArrowLeft', 0, 0],
  ['ArrowDown', 1, 9],
  ['ArrowDown', 7, 10],
  ['ArrowDown', 9, 9],
  ['ArrowUp', 9, 1],
  ['ArrowUp', 1, 1],
  ['ArrowRight', 10, 10],
  ['Home', 9, 0],
  ['End', 0, 10],
  ['a', 0, undefined],
])('%s from %i leads to %s', (key, at, next) => {
  expect(movedTo(key, at, 11, 8)).toBe(next)
})
