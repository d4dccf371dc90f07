import { beforeEach, expect, test } from 'vitest'
import { Typist } from '../../src/models/typist'
import { World } from '../fakes/world'

let world: World
let told: boolean[]
let typist: Typist

beforeEach(() => {
  world = new World()
  told = []
  typist = new Typist(world, (on) => told.push(on))
})

test('the first letter tells at once', () => {
  typist.changed('h')
  expect(told).toEqual([true])
})

test('going on tells seldom', async () => {
  for (let n = 0; n < 40; n += 1) {
    typist.changed('h'.repeat(n + 1))
    await world.pass(100)
  }
  expect(told).toEqual([true, true])
})

test('silence ends it', async () => {
  typist.changed('h')
  await world.pass(5001)
  expect(told).toEqual([true, false])
  await world.pass(60_000)
  expect(told).toHaveLength(2)
})

test('an emptied draft ends it', () => {
  typist.changed('h')
  typist.changed(' ')
  typist.changed('')
  expect(told).toEqual([true, false])
})

test('a sent message needs no word', async () => {
  typist.changed('h')
  typist.sent()
  await world.pass(60_000)
  typist.stop()
  expect(told).toEqual([true])
  typist.changed('again')
  expect(told).toEqual([true, true])
})
