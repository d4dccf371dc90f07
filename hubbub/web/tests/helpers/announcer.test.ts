import { expect, test } from 'vitest'
import { Announcer } from '../../src/helpers/announcer'
import { World } from '../fakes/world'

function announcer() {
  const world = new World()
  const said: string[] = []
  const later = (run: () => void, milliseconds: number): void => void world.after(milliseconds, run)
  return {
    world,
    said,
    subject: new Announcer(
      (text) => said.push(text),
      (count) => `${count} new`,
      later,
    ),
  }
}

test('E-71: a few are read out', async () => {
  const { world, said, subject } = announcer()
  for (const text of ['Ann: one', 'Bo: two', 'Ann: three']) subject.add(text)
  await world.pass(1000)
  expect(said).toEqual(['Ann: one\nBo: two\nAnn: three'])
})

test('E-71: many are counted', async () => {
  const { world, said, subject } = announcer()
  for (let n = 0; n < 5; n += 1) subject.add(`Ann: ${n}`)
  await world.pass(1000)
  subject.add('Bo: later')
  await world.pass(1000)
  expect(said).toEqual(['5 new', 'Bo: later'])
})
