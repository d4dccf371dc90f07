import { expect, test } from 'vitest'
import { CallError } from '../../src/models/calls'
import { Directory } from '../../src/models/directory'
import type { RoomEntry, RoomsResult } from '../../src/wire/frames.generated'

function entry(id: string): RoomEntry {
  return { room: { id, name: id, topic: '', visibility: 'public' }, members: 1, joined: false }
}

/** A directory on a server that answers so, one answer after another. */
function directory(...answers: (RoomsResult | CallError)[]): Directory {
  const call = () => {
    const answer = answers.shift()!
    return answer instanceof CallError ? Promise.reject(answer) : Promise.resolve(answer)
  }
  return new Directory(call as never)
}

test('pages follow each other until there are no more', async () => {
  const rooms = directory({ rooms: [entry('a')], next: 'a' }, { rooms: [entry('b')] })
  await Promise.all([rooms.load(), rooms.load()])
  expect(rooms.more).toBe(true)
  await rooms.load()
  await rooms.load()
  expect(rooms.entries.map(({ room }) => room.id)).toEqual(['a', 'b'])
  expect(rooms.more).toBe(false)
})

test('a page that did not come can be asked for again', async () => {
  const rooms = directory(new CallError('lost'), { rooms: [entry('a')] })
  await rooms.load()
  expect([rooms.problem, rooms.loading]).toEqual(['lost', false])
  await rooms.load()
  expect([rooms.problem, rooms.entries.length]).toEqual([null, 1])
})
