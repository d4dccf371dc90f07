/* What a page shows of changes that it has only asked for. */

import { beforeEach, describe, expect, test } from 'vitest'
import type { Entry } from '../../src/models/outbox'
import { KeptStore, Page } from '../fakes/page'
import { FakeServer, LOBBY } from '../fakes/server'
import { seeded, World } from '../fakes/world'

let world: World
let server: FakeServer
let page: Page
let store: KeptStore

beforeEach(async () => {
  world = new World(seeded(1))
  server = new FakeServer(world)
  server.say('me', 'mine')
  server.say('bo', 'hi')
  store = new KeptStore()
  page = new Page(server, 'me', store)
  page.sync.start()
  await world.pass(1000)
})

const mine = () => page.rows[0]!
const entries = () => page.sync.outbox.of(LOBBY)

describe('asked for', () => {
  test('an edit shows at once, dimmed until it is so', async () => {
    page.sync.edit(LOBBY, 1, 'better')
    expect(mine()).toMatchObject({ text: 'better', edited: true, changing: true })
    await world.pass(500)
    expect(server.messages[0]).toMatchObject({ text: 'better' })
    expect(mine()).toMatchObject({ text: 'better', edited: true, changing: false })
    expect(entries()).toEqual([])
  })

  test('a deletion leaves its place at once', async () => {
    page.sync.takeBack(LOBBY, 1)
    expect(mine()).toMatchObject({ text: '', deleted: true, changing: true })
    await world.pass(500)
    expect(mine()).toMatchObject({ deleted: true, changing: false })
  })

  test('a reaction is on, and off again', async () => {
    page.sync.react(LOBBY, 2, '👍', true)
    expect(page.rows[1]!.reactions).toEqual([{ emoji: '👍', users: ['me'], own: true }])
    page.sync.react(LOBBY, 2, '👍', false)
    expect(page.rows[1]!.reactions).toEqual([])
    await world.pass(500)
    expect(server.messages[1]!.rx).toEqual({})
    expect(server.log.filter(({ k }) => k === 'react')).toHaveLength(2)
  })

  test('a pin shows at once', async () => {
    page.sync.pin(LOBBY, 2, true)
    expect(page.rows[1]).toMatchObject({ pinned: true })
    await world.pass(500)
    expect(page.lobby.pins).toEqual([2])
  })

  test('writes of a room go in their order', async () => {
    server.up = false
    server.cut()
    page.say('one')
    page.sync.edit(LOBBY, 1, 'better')
    page.sync.react(LOBBY, 2, '👍', true)
    page.say('two')
    server.up = true
    await world.pass(60_000)
    expect(server.log.slice(2).map(({ k }) => k)).toEqual(['msg.new', 'msg.edit', 'react', 'msg.new'])
  })

  test('a reload keeps it', async () => {
    server.up = false
    server.cut()
    page.sync.edit(LOBBY, 1, 'better')
    await world.pass(100)
    page.sync.stop()
    server.up = true
    page = new Page(server, 'me', store)
    page.sync.start()
    await world.pass(5000)
    expect(server.messages[0]).toMatchObject({ text: 'better' })
    expect(store.kept.size).toBe(0)
  })

  test('two edits follow each other', async () => {
    page.sync.edit(LOBBY, 1, 'better')
    page.sync.edit(LOBBY, 1, 'best')
    expect(mine().text).toBe('best')
    await world.pass(500)
    expect(server.messages[0]).toMatchObject({ text: 'best' })
    expect(entries()).toEqual([])
  })
})

describe('refused', () => {
  test('a reaction turns back, and says why until that was seen', async () => {
    server.verdict = 'forbidden'
    page.sync.react(LOBBY, 2, '👍', true)
    await world.pass(500)
    expect(page.rows[1]!.reactions).toEqual([])
    expect(page.rows[1]!.refused).toMatchObject([{ t: 'react', code: 'forbidden' }])
    page.sync.giveUp(entries()[0]!)
    expect(page.rows[1]!.refused).toEqual([])
  })

  test('a crossed edit keeps its text, and is done if one insists', async () => {
    server.up = false
    server.cut()
    page.sync.edit(LOBBY, 1, 'here')
    server.append('msg.edit', 'me', { n: 'elsewhere', m: 1, text: 'there' })
    server.up = true
    await world.pass(60_000)
    expect(mine()).toMatchObject({ text: 'there', refused: [{ code: 'edit_conflict', text: 'here' }] })
    page.sync.retry(entries()[0]!)
    await world.pass(500)
    expect(mine()).toMatchObject({ text: 'here', refused: [] })
  })

  test('what is gone needs no reaction any more', async () => {
    server.up = false
    server.cut()
    page.sync.react(LOBBY, 2, '👍', true)
    server.append('msg.del', 'bo', { n: 'elsewhere', m: 2 })
    server.up = true
    await world.pass(60_000)
    expect(entries()).toEqual([])
    expect(page.rows[1]).toMatchObject({ deleted: true, refused: [] })
  })

  test('of numbers that mean something else by now nothing is changed', async () => {
    server.up = false
    server.cut()
    page.sync.takeBack(LOBBY, 1)
    page.sync.edit(LOBBY, 1, 'better')
    page.say('said')
    server.epoch = 2
    server.log = []
    server.say('me', 'another')
    server.up = true
    await world.pass(60_000)
    expect(server.texts).toEqual(['another', 'said'])
    expect(entries()).toMatchObject([{ t: 'edit', state: 'failed', text: 'better' }])
  })
})

test('what an earlier page kept is a message', async () => {
  const { t: _, ...old } = {
    ...{ t: 'send', nonce: 'of-old', user: 'me', stream: LOBBY, order: 1, ts: 1, state: 'waiting' },
    text: 'from before',
  } as Entry & { t: 'send' }
  store.kept.set('of-old', old as Entry)
  page.sync.wake()
  await world.pass(500)
  expect(server.texts.at(-1)).toBe('from before')
})

describe('beside the timeline', () => {
  test('a message that is not here is asked for once, and kept up with', async () => {
    server.maxSnapshot = 1
    page = new Page(server, 'you')
    page.sync.start()
    await world.pass(1000)
    expect(page.lobby.message(1)).toBeUndefined()
    page.lobby.want(1)
    page.lobby.want(1)
    server.happen('msg.edit', 'me', { n: 'elsewhere', m: 1, text: 'meanwhile' })
    await world.pass(500)
    expect(page.lobby.message(1)).toMatchObject({ text: 'meanwhile' })
    server.happen('react', 'bo', { n: 'elsewhere', m: 1, e: '👍', on: true })
    await world.pass(500)
    expect(page.lobby.message(1)).toMatchObject({ rx: { '👍': ['bo'] } })
    expect(server.received.filter(({ t }) => t === 'hist')).toHaveLength(1)
  })

  test('one that is nowhere is absent', async () => {
    page.lobby.want(99)
    await world.pass(500)
    expect(page.lobby.message(99)).toBe('absent')
  })

  test('a thread is complete, whatever comes while it loads', async () => {
    server.say('bo', 'first', { th: 1 })
    server.faults.latePage = 1
    page.lobby.openThread(1)
    page.lobby.thread!.load()
    await world.pass(100)
    server.say('bo', 'second', { th: 1 })
    await world.pass(1000)
    expect(page.lobby.thread!.log.messages.map(({ text }) => text)).toEqual(['first', 'second'])
    page.sync.say(LOBBY, 'third', { th: 1 })
    await world.pass(500)
    expect(page.lobby.thread!.log.messages.map(({ text }) => text)).toEqual(['first', 'second', 'third'])
    expect(page.texts).toEqual(['mine', 'hi'])
    expect(page.rows[0]!.replies).toBe(3)
  })

  test('pins come with the room, and go', async () => {
    server.happen('pin', 'bo', { n: 'elsewhere', m: 1, on: true })
    server.happen('pin', 'bo', { n: 'elsewhere', m: 2, on: true })
    server.maxSnapshot = 1
    page = new Page(server, 'you')
    page.sync.start()
    await world.pass(1000)
    expect(page.lobby.pins).toEqual([2, 1])
    page.lobby.wantPins()
    await world.pass(500)
    expect(page.lobby.message(1)).toMatchObject({ text: 'mine' })
    server.happen('msg.del', 'me', { n: 'elsewhere', m: 1 })
    await world.pass(500)
    expect(page.lobby.pins).toEqual([2])
  })

  test('a role given to the reader is known', async () => {
    expect(page.lobby.info.role).toBeUndefined()
    server.happen('member', 'bo', { op: 'role', user: { id: 'me', name: 'Me' }, role: 'moderator' })
    await world.pass(500)
    expect(page.lobby.info.role).toBe('moderator')
  })
})
