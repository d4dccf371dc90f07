import { beforeEach, expect, test, vi } from 'vitest'
import { People } from '../../src/models/people'
import { World } from '../fakes/world'

let world: World
let people: People
const changed = vi.fn()

beforeEach(() => {
  changed.mockReset()
  world = new World()
  people = new People({ ...world, open: () => ({}) as never }, changed)
  people.learn({ ann: { name: 'Ann' }, bo: { name: 'Bo' } })
  people.arrive([{ id: 'ann', name: 'Ann', state: 'on' }], 1)
})

test('here and away', () => {
  expect(people.here).toEqual([{ id: 'ann', name: 'Ann', state: 'on' }])
  expect(people.away).toEqual([{ id: 'bo', name: 'Bo', state: 'off' }])
})

test('coming and going are counted', () => {
  people.move({ id: 'bo', name: 'Bo', state: 'idle' })
  people.move({ id: 'bo', name: 'Bo', state: 'on' })
  expect([people.count, people.state('bo')]).toEqual([2, 'on'])
  people.move({ id: 'ann', name: 'Ann', state: 'off' })
  people.move({ id: 'ann', name: 'Ann', state: 'off' })
  expect([people.count, people.state('ann')]).toEqual([1, 'off'])
})

test('the newest name wins', () => {
  people.move({ id: 'bo', name: '小波', state: 'on' })
  expect(people.name('bo')).toBe('小波')
  people.learnOne({ id: 'bo', name: 'Bo' })
  expect(people.here.at(-1)?.name).toBe('Bo')
})

test('typing ends by itself', async () => {
  people.typing('ann', true, 6)
  await world.pass(4000)
  people.typing('ann', true, 6)
  await world.pass(5000)
  expect(people.typists).toEqual(['ann'])
  await world.pass(1001)
  expect(people.typists).toEqual([])
  expect(changed).toHaveBeenCalledOnce()
})

test('typing ends when said so', async () => {
  people.typing('ann', true)
  people.typing('bo', true)
  people.typing('ann', false)
  expect(people.typists).toEqual(['bo'])
  people.hush()
  await world.pass(10_000)
  expect(people.typists).toEqual([])
  expect(changed).not.toHaveBeenCalled()
})
