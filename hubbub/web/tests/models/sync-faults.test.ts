/*
 * Whatever the network and the server do, in the end every page has the room's
 * messages as they are, each as its changes left it, and every message written
 * was written once, in order.  What a page foresaw has happened, or was refused
 * and is shown no longer; what it shows beside the timeline is right as well.
 */

import { expect, test } from 'vitest'
import type { Message } from '../../src/models/log'
import type { Room } from '../../src/models/room'
import { KeptStore, Page } from '../fakes/page'
import { FakeServer, LOBBY, NO_FAULTS, type Faults } from '../fakes/server'
import { seeded, World } from '../fakes/world'

const RUNS = 300
const STEPS = 60
const USERS = ['ann', 'bo', 'chen']
const OTHERS = ['dee', 'eve', 'fu']

interface Writer {
  user: string
  store: KeptStore
  page: Page
  written: string[]
}

function faultsOf(random: () => number): Faults {
  const often = (): number => (random() < 0.5 ? 0 : random() * 0.3)
  return {
    lose: often(),
    repeat: often(),
    cutBefore: often(),
    cutAfter: often(),
    refuse: often(),
    eventFirst: random(),
    gap: often() / 3,
    latePage: often(),
  }
}

/** What everyone knows of a message: of one that was deleted neither its nonce, nor what it answered, nor whether it was edited. */
function known(message: Message): object {
  const { n, base, ed, re, rx = {}, rc = 0, ...rest } = message
  const reactions = Object.fromEntries(Object.entries(rx).map(([emoji, users]) => [emoji, users.toSorted()]))
  return { ...rest, rx: reactions, rc, ...(message.del === undefined && { n, base, ed, re }) }
}

function reload(server: FakeServer, writer: Writer): void {
  writer.page.sync.stop()
  writer.page = new Page(server, writer.user, writer.store)
  writer.page.sync.start()
}

function pick<T>(of: readonly T[], random: () => number): T | undefined {
  return of[Math.floor(random() * of.length)]
}

/** Somebody elsewhere says something, or changes what was said. */
function change(server: FakeServer, random: () => number): void {
  const message = pick(server.messages, random)
  const n = `elsewhere-${server.head}`
  const by = pick(OTHERS, random)!
  if (!message) return
  const { q: m, th, del } = message
  const dice = random()
  if (dice < 0.2 && th === undefined) server.say(by, `in thread ${m}`, { th: m })
  else if (del !== undefined) return
  else if (dice < 0.5)
    server.happen('react', by, { n, m, e: pick(['👍', '茶'], random)!, on: random() < 0.6 })
  else if (written(message.text)) return
  else if (dice < 0.7) server.happen('msg.edit', message.by, { n, m, text: `${message.text} again` })
  else if (dice < 0.85) server.happen('pin', by, { n, m, on: random() < 0.6 })
  else server.happen('msg.del', by, { n, m, ...(th !== undefined && { th }) })
}

/** The reader of a page changes what it shows, and looks at what it doesn't. */
function act({ user, page }: Writer, random: () => number): void {
  const { lobby, sync } = page
  const message = pick(lobby.log.messages, random)
  if (!message) return
  const { q, th, by, text } = message
  const own = by === user && !written(text)
  const dice = random()
  if (dice < 0.15) sync.say(LOBBY, `~${user} answers`, { re: q })
  else if (dice < 0.25 && th === undefined) sync.say(LOBBY, `~${user} in thread`, { th: q })
  else if (dice < 0.45) sync.react(LOBBY, q, pick(['👍', '茶'], random)!, random() < 0.6)
  else if (dice < 0.55) sync.pin(LOBBY, q, random() < 0.6)
  else if (dice < 0.7 && own) sync.edit(LOBBY, q, `${text}!`)
  else if (dice < 0.75 && own) sync.takeBack(LOBBY, q)
  else look(lobby, Math.ceil(random() * q))
}

/** Show a message away from where it stands, or a thread. */
function look(room: Room, q: number): void {
  room.want(q)
  room.wantPins()
  if (q % 3 === 0) room.openThread(q)
  room.thread?.load()
}

/** What the writers wrote stays, so that it can be counted in the end. */
function written(text: string): boolean {
  return USERS.some((user) => text.startsWith(`${user} `))
}

/** Anything that may happen between two moments of a chat. */
async function step(server: FakeServer, writers: Writer[], random: () => number): Promise<void> {
  const writer = writers[Math.floor(random() * writers.length)]!
  const dice = random()
  if (dice < 0.5) {
    const text = `${writer.user} ${writer.written.length}`
    writer.written.push(text)
    writer.page.say(text)
  } else if (dice < 0.56) {
    server.up = false
    server.cut(random() < 0.5 ? 1012 : 1006)
  } else if (dice < 0.68) server.up = true
  else if (dice < 0.72) reload(server, writer)
  else if (dice < 0.76) writer.page.sync.wake()
  else if (dice < 0.8) writer.page.sync.room(LOBBY)?.loadOlder()
  else if (dice < 0.83) writer.page.sync.room(LOBBY)?.trim(5)
  else if (dice < 0.89) act(writer, random)
  else if (dice < 0.96) change(server, random)
  else server.say(OTHERS[0]!, `elsewhere ${server.head}`)
  await server.world.pass(random() < 0.7 ? random() * 60 : random() * 8000)
}

test.each(Array.from({ length: RUNS }, (_, seed) => seed))('converges, seed %i', async (seed) => {
  const random = seeded(seed)
  const world = new World(random)
  const server = new FakeServer(world)
  server.maxDelta = random() < 0.5 ? 1000 : 6
  const writers = USERS.map((user) => {
    const store = new KeptStore(() => world.wait(random() < 0.5 ? 0 : random() * 1500))
    return { user, store, page: new Page(server, user, store), written: [] }
  })
  for (const { page } of writers) page.sync.start()
  server.faults = faultsOf(random)

  for (let n = 0; n < STEPS; n += 1) await step(server, writers, random)
  server.faults = { ...NO_FAULTS }
  server.up = true
  await world.pass(300_000)
  for (const { page } of writers) {
    for (const entry of page.sync.outbox.of(LOBBY)) {
      expect(entry).toMatchObject({ state: 'failed', t: 'edit' })
      page.sync.giveUp(entry)
    }
    page.lobby.thread?.load()
  }
  await world.pass(10_000)

  const log = server.texts
  for (const { user, page, store, written } of writers) {
    expect(log.filter((text) => String(text).startsWith(`${user} `))).toEqual(written)
    const shown = page.texts
    expect(shown).toEqual(log.slice(log.length - shown.length))
    const here = page.lobby.log.messages
    expect(here.map(known)).toEqual(server.messages.slice(-here.length).map(known))
    expect(here.length).toBeGreaterThanOrEqual(Math.min(server.messages.length, 5))
    expect(new Set(page.rows.map(({ key }) => key)).size).toBe(shown.length)
    expect(page.rows.every(({ state }) => state === 'sent')).toBe(true)
    expect(store.kept.size).toBe(0)
    expect(page.rows.map(({ q, pinned, reactions = [] }) => [q, pinned, reactions.length])).toEqual(
      page.lobby.log.timeline.map(({ q, pin, rx = {} }) => [q, pin !== undefined, Object.keys(rx).length]),
    )
    expect(page.lobby.pins).toEqual(server.pins.map(([q]) => q))
    for (const message of server.messages) {
      const here = page.lobby.message(message.q)
      if (here !== undefined) expect(known(here as Message)).toEqual(known(message))
    }
    const { thread } = page.lobby
    const replies = server.messages.filter(({ th }) => th === thread?.root).map(known)
    if (thread?.status === 'live') {
      expect(thread.log.messages.map(known)).toEqual(replies.slice(-thread.log.messages.length))
    } else expect(thread?.status).not.toBe('loading')
  }
})
