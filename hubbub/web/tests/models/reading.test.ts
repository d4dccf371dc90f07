import { beforeEach, expect, test } from 'vitest'
import { Reading } from '../../src/models/reading'
import { World } from '../fakes/world'

let world: World
let told: number[]
let reading: Reading

beforeEach(() => {
  world = new World()
  told = []
  reading = new Reading(world, (q) => told.push(q))
})

test('what is seen counts after a moment', async () => {
  reading.see(3)
  await world.pass(1999)
  expect(told).toEqual([])
  await world.pass(1)
  expect(told).toEqual([3])
})

test('however fast more comes, it is told now and then', async () => {
  for (let q = 1; q <= 50; q += 1) {
    reading.see(q)
    await world.pass(100)
  }
  expect(told).toEqual([20, 40])
})

test('a glance is none', async () => {
  reading.see(3)
  await world.pass(1000)
  reading.stop()
  await world.pass(60_000)
  expect(told).toEqual([])
  reading.see(3)
  await world.pass(2000)
  expect(told).toEqual([3])
})

test('what was told is not told again', async () => {
  reading.see(3)
  await world.pass(2000)
  reading.see(3)
  reading.see(2)
  await world.pass(2000)
  expect(told).toEqual([3])
})
