import { expect, test } from 'vitest'
import { choiceOf, kept, loud, type Choice } from '../../src/models/choices'
import { Own } from '../../src/models/own'
import type { Room } from '../../src/models/room'
import { follow, isTalk, otherIn, sections } from '../../src/models/sections'
import { closedBy, pins } from '../../src/models/standing'
import type { RoomInfo } from '../../src/wire/frames.generated'

const ANN = { id: 'u_ann', name: 'Ann' }
const BOB = { id: 'u_bob', name: 'Bob' }
const CEM = { id: 'u_cem', name: 'Cem' }
const USUAL: Choice = { favourite: false, level: 'all', hidden: null }

const info = (more: Partial<RoomInfo> = {}): RoomInfo => ({
  ...{ id: 'r_x', name: 'x', topic: '', visibility: 'public' },
  ...more,
})
const room = (more: Partial<RoomInfo> = {}, last = 0, unread = 0, mentions = 0): Room =>
  ({
    id: more.id ?? 'r_x',
    info: info(more),
    log: { last: last > 0 ? { q: last } : undefined },
    unread: { marks: { read: 0, unread, mentions } },
  }) as unknown as Room
const talk = (last: number, more: Partial<RoomInfo> = {}): Room =>
  room({ id: 'r_bob', kind: 'direct', users: [ANN, BOB], ...more }, last)

const ids = (rooms: readonly Room[]): string[] => rooms.map(({ id }) => id)
const listed = (one: Room, choice: Partial<Choice> = {}, open?: string): string[] => {
  const { favourites, rooms, people } = sections([one], () => ({ ...USUAL, ...choice }), open)
  return [
    ...ids(favourites).map((id) => `favourites ${id}`),
    ...ids(rooms).map((id) => `rooms ${id}`),
    ...ids(people).map((id) => `people ${id}`),
  ]
}

test('each room stands under one heading', () => {
  expect(listed(room())).toEqual(['rooms r_x'])
  expect(listed(room(), { favourite: true })).toEqual(['favourites r_x'])
  expect(listed(talk(3))).toEqual(['people r_bob'])
})

test('an archived room is only there while it is open', () => {
  expect(listed(room({ archived: 5 }))).toEqual([])
  expect(listed(room({ archived: 5 }), {}, 'r_x')).toEqual(['rooms r_x'])
})

test('a talk is there once something was said, and while it is open', () => {
  expect(listed(talk(0))).toEqual([])
  expect(listed(talk(0), {}, 'r_bob')).toEqual(['people r_bob'])
})

test('a hidden talk comes back when something is written', () => {
  expect(listed(talk(3), { hidden: 3 })).toEqual([])
  expect(listed(talk(4), { hidden: 3 })).toEqual(['people r_bob'])
})

test('a talk is called after the others, whoever comes, goes or is renamed', () => {
  const group = info({ kind: 'group', users: [ANN, BOB], name: 'Bob' })
  const grown = follow(group, { op: 'join', user: CEM }, ANN.id)
  expect(grown.name).toBe('Bob, Cem')
  expect(follow(grown, { op: 'rename', user: { ...BOB, name: 'Bo' } }, ANN.id).name).toBe('Bo, Cem')
  expect(follow(grown, { op: 'leave', user: BOB }, ANN.id).users).toEqual([ANN, CEM])
  expect(follow(info(), { op: 'join', user: CEM }, ANN.id)).toEqual(info())
})

test('only a talk of two has another', () => {
  expect(otherIn(info({ kind: 'direct', users: [ANN, BOB] }), ANN.id)).toEqual(BOB)
  expect(otherIn(info({ kind: 'group', users: [ANN, BOB] }), ANN.id)).toBeUndefined()
  expect([isTalk(info()), isTalk(info({ kind: 'notes' }))]).toEqual([false, true])
})

test('what is kept of a room is read with care, and kept as shortly as can be', () => {
  const own = new Own()
  own.fill({ own: { 'room.r_x': { favourite: true, level: 'none', hidden: 7 }, 'room.r_y': ['?'] } })
  expect(choiceOf(own, 'r_x')).toEqual({ favourite: true, level: 'none', hidden: 7 })
  expect(choiceOf(own, 'r_y')).toEqual(USUAL)
  expect(kept(USUAL)).toBeNull()
  expect(kept({ ...USUAL, level: 'mentions' })).toEqual({ level: 'mentions' })
})

test('what is muted is not loud', () => {
  const busy = room({}, 9, 5, 2)
  const at = (level: Choice['level']): number => loud({ ...USUAL, level }, busy)
  expect([at('all'), at('mentions'), at('none')]).toEqual([5, 2, 0])
})

test('one may not write where nobody may, or where one wants nothing of the other', () => {
  const blocks = (id: string): boolean => id === BOB.id
  const closed = (more: Partial<RoomInfo>, threaded = false): string | null =>
    closedBy(info(more), ANN.id, blocks, threaded)
  expect(closed({})).toBeNull()
  expect(closed({ archived: 5 }, true)).toBe('archived')
  expect(closed({ kind: 'direct', users: [ANN, BOB] })).toBe('blocked')
  expect(closed({ kind: 'direct', users: [ANN, CEM] })).toBeNull()
  expect(closed({ kind: 'group', users: [ANN, BOB, CEM] })).toBeNull()
  expect(closed({ posting: 'moderators', role: 'member' })).toBe('announcements')
  expect(closed({ posting: 'moderators', role: 'member' }, true)).toBeNull()
  expect(closed({ posting: 'moderators', role: 'moderator' })).toBeNull()
  expect([pins(info({ role: 'member' })), pins(info({ kind: 'direct', role: 'member' }))]).toEqual([
    false,
    true,
  ])
})
