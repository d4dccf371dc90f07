import { beforeEach, expect, test } from 'vitest'
import { MenuKeys } from '../../../src/views/ui/menu-keys'

const NAMES = ['Rename', 'Invite', 'Remove', '离开']
let keys: MenuKeys

beforeEach(() => {
  keys = new MenuKeys()
})

test.each([
  ['ArrowDown', 3, 0],
  ['ArrowDown', -1, 0],
  ['ArrowUp', 0, 3],
  ['ArrowUp', -1, 3],
  ['Home', 2, 0],
  ['End', 0, 3],
])('%s leads from %i to %i', (key, from, to) => {
  expect(keys.move(key, from, NAMES)).toBe(to)
})

test('what is typed leads to what begins so', () => {
  expect(keys.move('i', 0, NAMES, 0)).toBe(1)
  expect(keys.move('r', 1, NAMES, 1000)).toBe(2)
  expect(keys.move('e', 2, NAMES, 1100)).toBe(2)
  expect(keys.move('n', 2, NAMES, 1200)).toBe(0)
  expect(keys.move('离', 0, NAMES, 9000)).toBe(3)
})

test('the same letter goes on to the next', () => {
  expect(keys.move('r', 0, NAMES, 0)).toBe(2)
  expect(keys.move('r', 2, NAMES, 100)).toBe(0)
})

test('other keys are not for moving', () => {
  expect(['Enter', ' ', 'Shift', 'x'].map((key) => keys.move(key, 0, NAMES, 0))).toEqual(
    Array(4).fill(undefined),
  )
})
