/* What events make of messages (R7, R11), of the room, and of what waits there. */

import { beforeEach, describe, expect, test } from 'vitest'
import { begin, enter, type Page } from '../fakes/page'
import { LOBBY, ROOM, type FakeServer } from '../fakes/server'
import type { World } from '../fakes/world'

let world: World
let server: FakeServer
let page: Page

beforeEach(async () => {
  ;({ world, server, page } = await begin())
})

const happen = async (k: string, by: string, d: Record<string, unknown>) => {
  const event = server.happen(k, by, { n: `nonce-${server.head}`, ...d })
  await world.pass(100)
  return event
}
const hello = () => page.lobby.log.find(1)!

describe('messages', () => {
  test('an edit gives another text', async () => {
    const { q, ts } = await happen('msg.edit', 'ann', { m: 1, text: 'hello, all' })
    expect(hello()).toMatchObject({ text: 'hello, all', base: q, rev: q, ed: ts })
    expect(page.rows[0]).toMatchObject({ text: 'hello, all', edited: true })
  })

  test('a deletion leaves nothing but the place', async () => {
    await happen('react', 'bo', { m: 1, e: '👍', on: true })
    await happen('pin', 'bo', { m: 1, on: true })
    const { q, ts } = await happen('msg.del', 'ann', { m: 1 })
    expect(hello()).toMatchObject({ q: 1, by: 'ann', text: '', rx: {}, del: ts, rev: q })
    expect(hello()).not.toHaveProperty('pin')
    expect(page.rows[0]).toMatchObject({ text: '', deleted: true, edited: false })
  })

  test('reactions are counted by who', async () => {
    for (const by of ['ann', 'me', 'ann']) await happen('react', by, { m: 1, e: '👍', on: true })
    expect(hello().rx).toEqual({ '👍': ['ann', 'me'] })
    expect(page.rows[0]!.reactions).toEqual([{ emoji: '👍', users: ['ann', 'me'], own: true }])
    await happen('react', 'me', { m: 1, e: '👍', on: false })
    expect(hello().rx).toEqual({ '👍': ['ann'] })
    await happen('react', 'ann', { m: 1, e: '👍', on: false })
    expect(hello().rx).toEqual({})
  })

  test('a pin is on or off', async () => {
    const { q } = await happen('pin', 'bo', { m: 1, on: true })
    expect(hello().pin).toBe(q)
    await happen('pin', 'bo', { m: 1, on: false })
    expect(hello()).not.toHaveProperty('pin')
  })

  test('a thread is counted, and stands outside the timeline', async () => {
    const { q } = server.say('bo', 'more', { th: 1 })
    await world.pass(100)
    expect(hello()).toMatchObject({ rc: 1, rev: q })
    expect(page.rows[0]!.replies).toBe(1)
    expect(page.texts).toEqual(['hello', 'hi'])
    expect(page.heard).toEqual([])
    await happen('msg.del', 'bo', { m: q, th: 1 })
    expect(hello().rc).toBe(0)
  })

  test('what is older than the message changes nothing', async () => {
    server.happen('msg.edit', 'ann', { n: 'nonce-01', m: 1, text: 'first' })
    server.happen('msg.edit', 'ann', { n: 'nonce-02', m: 1, text: 'second' })
    await world.pass(100)
    const event = server.log.at(-2)!
    page.lobby.apply(event)
    expect(hello().text).toBe('second')
  })

  test('what changes a message that is nowhere is passed by', async () => {
    await happen('msg.edit', 'ann', { m: 99, text: 'what?' })
    expect(page.texts).toEqual(['hello', 'hi'])
  })

  test('forgotten ones were there, and are gone', async () => {
    server.cut()
    for (const n of [1, 2]) server.say('ann', `secret ${n}`)
    server.append('msg.edit', 'ann', { n: 'nonce-01', m: 3, text: 'worse' })
    for (const m of [3, 4]) server.append('msg.del', 'ann', { n: `nonce-${m}`, m })
    await world.pass(5000)
    expect(page.texts).toEqual(['hello', 'hi', '', ''])
    expect(page.rows.map(({ deleted }) => deleted)).toEqual([false, false, true, true])
    expect(new Set(page.rows.map(({ key }) => key)).size).toBe(4)
    expect(page.heard).toEqual([])
  })

  test('a forgotten one may have been in a thread', async () => {
    server.cut()
    server.say('bo', 'more', { th: 1 })
    server.append('msg.del', 'bo', { n: 'nonce-01', m: 3, th: 1 })
    await world.pass(5000)
    expect(page.texts).toEqual(['hello', 'hi'])
    expect(hello()).toMatchObject({ rc: 0, rev: 4 })
  })

  test('bodies that cannot be read are as of unknown kinds', async () => {
    await happen('msg.edit', 'ann', { m: '1', text: 'hm' })
    await happen('msg.new', 'ann', { text: 7 })
    server.say('ann', 'after')
    await world.pass(100)
    expect(page.texts).toEqual(['hello', 'hi', 'after'])
  })
})

describe('pages', () => {
  beforeEach(async () => {
    for (let n = 0; n < 60; n += 1) server.say('ann', `m${n}`)
    page = await enter(server, 'late')
  })

  test('what overtook a page happens to it', async () => {
    server.faults.latePage = 1
    page.lobby.loadOlder()
    await world.pass(100)
    await happen('msg.edit', 'ann', { m: 1, text: 'edited' })
    await happen('msg.del', 'bo', { m: 2 })
    server.say('bo', 'in thread', { th: 3 })
    await happen('react', 'bo', { m: 62, e: '👍', on: true })
    await world.pass(1000)
    expect(page.lobby.log.messages).toMatchObject(
      server.messages.map(({ q, text, rev, rc, rx }) => ({
        q,
        text,
        rev,
        ...(rc && { rc }),
        ...(q === 62 && { rx }),
      })),
    )
  })

  test('what a page has already happens once', async () => {
    page.lobby.loadOlder()
    server.faults.lose = 1
    server.happen('react', 'bo', { n: 'nonce-01', m: 1, e: '👍', on: true })
    server.happen('react', 'bo', { n: 'nonce-02', m: 1, e: '👍', on: false })
    server.say('bo', 'in thread', { th: 2 })
    server.faults.lose = 0
    await world.pass(200)
    expect(page.lobby.log.find(2)).toMatchObject({ rev: 65, rc: 1 })
    server.say('ann', 'shows that three are missing')
    await world.pass(200)
    expect(page.lobby.log.find(1)).toMatchObject({ rev: 64, rx: {} })
    expect(page.lobby.log.find(2)).toMatchObject({ rev: 65, rc: 1 })
    expect(page.lobby.log.last!.q).toBe(66)
  })
})

describe('the room', () => {
  test('is so from now on', async () => {
    await happen('room', 'ann', { room: { ...ROOM, name: 'tea', topic: 'and cake' } })
    expect(page.lobby.info).toMatchObject({ name: 'tea', topic: 'and cake' })
  })

  test('who comes is known', async () => {
    await happen('member', 'dee', { op: 'join', user: { id: 'dee', name: 'Dee' } })
    expect(page.lobby.people.name('dee')).toBe('Dee')
  })

  test('who is put out hears no more of it', async () => {
    server.kick('me')
    await world.pass(1000)
    expect(page.sync.rooms).toEqual([])
    server.say('ann', 'alone at last')
    await world.pass(60_000)
    const asked = server.received.filter((frame) => frame.t === 'sub' && frame.s === LOBBY)
    expect(asked.length).toBeLessThanOrEqual(2)
    expect(page.heard).toEqual([])
  })

  test('an end is asked after, whatever the own stream says', async () => {
    server.happen('member', 'keeper', { op: 'kick', user: { id: 'me', name: 'Me' } })
    for (const link of server.links) link.subscribed = false
    server.say('ann', 'welcome back')
    await world.pass(1000)
    expect(page.texts).toEqual(['hello', 'hi', 'welcome back'])
  })

  test('who is let in again sees all of it', async () => {
    server.kick('me')
    server.say('ann', 'meanwhile')
    server.admit('me')
    server.say('ann', 'welcome back')
    await world.pass(1000)
    expect(page.sync.rooms.map(({ id }) => id)).toEqual([LOBBY])
    expect(page.texts).toEqual(['hello', 'hi', 'meanwhile', 'welcome back'])
    expect(page.lobby.status).toBe('live')
  })

  test('who was put out while away learns it on return', async () => {
    server.cut()
    server.kick('me')
    await world.pass(5000)
    expect(page.sync.rooms).toEqual([])
  })

  test('who never was in it is told', async () => {
    server.out.add('you')
    page = await enter(server, 'you')
    expect(page.sync.rooms).toEqual([])
  })

  test('what was written there is refused, and kept', async () => {
    server.faults.refuse = 1
    page.say('mine')
    await world.pass(30)
    server.kick('me')
    server.faults.refuse = 0
    await world.pass(5000)
    expect(page.sync.outbox.of(LOBBY)).toMatchObject([{ state: 'failed', code: 'not_found' }])
  })
})

describe('what waits', () => {
  const marks = () => page.lobby.unread.marks
  const heardElsewhere = async (q: number, unread: number) => {
    server.inform('me', 'read', { s: LOBBY, q, unread, mentions: 0 })
    await world.pass(100)
  }

  test('is what the copy says', async () => {
    server.read = { read: 1, mentions: 1 }
    page = await enter(server, 'you')
    expect(marks()).toEqual({ read: 1, unread: 1, mentions: 1 })
  })

  test('may be more than what is here', async () => {
    server.maxSnapshot = 1
    page = await enter(server, 'you')
    expect(page.texts).toHaveLength(1)
    expect(marks()).toEqual({ read: 0, unread: 2, mentions: 0 })
  })

  test('grows with each message outside of threads', async () => {
    server.say('ann', 'one')
    server.say('ann', 'in thread', { th: 1 })
    await world.pass(100)
    expect(marks()).toEqual({ read: 0, unread: 3, mentions: 0 })
  })

  test('is read by whoever posts', async () => {
    server.say('ann', 'one')
    page.say('mine')
    await world.pass(500)
    expect(marks()).toEqual({ read: 4, unread: 0, mentions: 0 })
  })

  test('is not read by whoever posts to a thread', async () => {
    server.say('ann', 'one')
    server.say('me', 'in thread', { th: 1 })
    await world.pass(100)
    expect(marks()).toEqual({ read: 0, unread: 3, mentions: 0 })
  })

  test('shrinks by what is deleted', async () => {
    await heardElsewhere(2, 0)
    const { q } = server.say('ann', '<@me>?')
    server.inform('me', 'mention', { s: LOBBY, q })
    await world.pass(100)
    expect(marks()).toEqual({ read: 2, unread: 1, mentions: 1 })
    await happen('msg.del', 'ann', { m: q })
    expect(marks()).toEqual({ read: 2, unread: 0, mentions: 0 })
  })

  test('what was read before it was deleted makes no difference', async () => {
    await heardElsewhere(2, 0)
    server.say('ann', 'one')
    await happen('msg.del', 'ann', { m: 1 })
    expect(marks()).toEqual({ read: 2, unread: 1, mentions: 0 })
  })

  test('a mention that was read is none', async () => {
    await heardElsewhere(2, 0)
    server.inform('me', 'mention', { s: LOBBY, q: 2 })
    await world.pass(100)
    expect(marks()).toEqual({ read: 2, unread: 0, mentions: 0 })
  })

  test('what was read elsewhere meanwhile is not counted on return', async () => {
    server.cut()
    for (const text of ['one', 'two', 'three']) server.say('ann', text)
    server.inform('me', 'read', { s: LOBBY, q: 4, unread: 1, mentions: 0 })
    await world.pass(5000)
    expect(marks()).toEqual({ read: 4, unread: 1, mentions: 0 })
  })

  test('what was read is said until it is heard', async () => {
    const reads = () => server.received.filter((frame) => frame.t === 'read')
    page.sync.markRead(LOBBY, 2)
    page.sync.markRead(LOBBY, 1)
    await world.pass(100)
    expect(reads()).toEqual([{ t: 'read', s: LOBBY, q: 2 }])
    server.cut()
    await world.pass(5000)
    expect(reads()).toHaveLength(2)
    await heardElsewhere(2, 0)
    page.sync.markRead(LOBBY, 2)
    server.cut()
    await world.pass(5000)
    expect(reads()).toHaveLength(2)
    expect(marks().read).toBe(2)
  })
})
