import { expect, test } from 'vitest'
import { inOrder, neighbour } from '../../src/models/neighbours'
import type { Room } from '../../src/models/room'

function rooms(...names: string[]): Room[] {
  return names.map((name) => ({ id: name, info: { name } }) as Room)
}

const ids = (found: Room[]) => found.map(({ id }) => id)

test('the lobby stands first, the others by name', () => {
  const found = inOrder(rooms('b', 'Room 10', 'lobby', 'Room 9', 'a'), ({ id }) => id, 'en')
  expect(ids(found)).toEqual(['lobby', 'a', 'b', 'Room 9', 'Room 10'])
})

test.each<[string | undefined, 1 | -1, string]>([
  ['a', 1, 'b'],
  ['c', 1, 'a'],
  ['a', -1, 'c'],
  ['elsewhere', 1, 'a'],
  [undefined, -1, 'c'],
])('from %s by %i comes %s', (from, step, expected) => {
  expect(neighbour(rooms('a', 'b', 'c'), from, step)?.id).toBe(expected)
})

test('rooms that do not fit are passed by', () => {
  const all = rooms('a', 'b', 'c', 'd')
  expect(neighbour(all, 'a', 1, ({ id }) => id === 'c')?.id).toBe('c')
  expect(neighbour(all, 'c', 1, ({ id }) => id === 'c')).toBeUndefined()
  expect(neighbour([], 'a', 1)).toBeUndefined()
})
