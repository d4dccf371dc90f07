import { expect, test } from 'vitest'
import type { Calls } from '../../src/models/calls'
import { knownPeople, PeopleSearch } from '../../src/models/people-search'
import type { Room } from '../../src/models/room'

const BO = { id: 'u_bo', name: 'Bo' }
const BORIS = { id: 'u_boris', name: 'Boris' }

/** A search, what it asked the server, and a way to let time pass. */
function searching(): { search: PeopleSearch; asked: string[]; pass: () => Promise<void> } {
  const asked: string[] = []
  const due = new Set<() => void>()
  const call = (async (_: string, { text }: { text: string }) => {
    asked.push(text)
    return { users: [BORIS] }
  }) as unknown as Calls['call']
  const after = (_: number, run: () => void): (() => void) => {
    due.add(run)
    return () => due.delete(run)
  }
  const pass = async (): Promise<void> => {
    for (const run of due) run()
    due.clear()
    await Promise.resolve()
    await Promise.resolve()
  }
  return { search: new PeopleSearch(call, { after }), asked, pass }
}

test('who is known is found at once, the others once the server has said so', async () => {
  const { search, asked, pass } = searching()
  search.look('b')
  search.look('bo')
  expect(search.among([BO])).toEqual([BO])
  await pass()
  expect(asked).toEqual(['bo'])
  expect(search.among([BO])).toEqual([BO, BORIS])
})

test('nothing typed asks for nobody', async () => {
  const { search, asked, pass } = searching()
  search.look('bo')
  search.look(' ')
  await pass()
  expect(asked).toEqual([])
  expect(search.among([BO])).toEqual([BO])
})

test('everyone heard of in any room is known, but oneself', () => {
  const rooms = [
    { info: { users: [BO] }, people: { here: [{ ...BORIS, state: 'on' }], away: [] } },
    { info: {}, people: { here: [], away: [{ id: 'u_me', name: 'Me', state: 'off' }] } },
  ] as unknown as Room[]
  expect(knownPeople(rooms, 'u_me')).toEqual([BO, BORIS])
})
