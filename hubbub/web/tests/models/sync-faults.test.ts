/*
 * Whatever the network and the server do, in the end every page has the room's
 * messages as they are, each as its changes left it, and every message written
 * was written once, in order.
 */

import { expect, test } from 'vitest'
import type { Message } from '../../src/models/log'
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

/** What everyone knows of a message: of one that was deleted, neither its nonce nor whether it was edited. */
function known(message: Message): object {
  const { n, base, ed, rx = {}, rc = 0, ...rest } = message
  const reactions = Object.fromEntries(Object.entries(rx).map(([emoji, users]) => [emoji, users.toSorted()]))
  return { ...rest, rx: reactions, rc, ...(message.del === undefined && { n, base, ed }) }
}

function reload(server: FakeServer, writer: Writer): void {
  writer.page.sync.stop()
  writer.page = new Page(server, writer.user, writer.store)
  writer.page.sync.start()
}

/** Somebody elsewhere says something, or changes what was said. */
function change(server: FakeServer, random: () => number): void {
  const pick = <T>(of: readonly T[]): T | undefined => of[Math.floor(random() * of.length)]
  const message = pick(server.messages)
  const n = `elsewhere-${server.head}`
  const by = pick(OTHERS)!
  if (!message) return
  const { q: m, th, del } = message
  const dice = random()
  if (dice < 0.2 && th === undefined) server.say(by, `in thread ${m}`, { th: m })
  else if (del !== undefined) return
  else if (dice < 0.5) server.happen('react', by, { n, m, e: pick(['👍', '茶'])!, on: random() < 0.6 })
  else if (written(message.text)) return
  else if (dice < 0.7) server.happen('msg.edit', message.by, { n, m, text: `${message.text} again` })
  else if (dice < 0.85) server.happen('pin', by, { n, m, on: random() < 0.6 })
  else server.happen('msg.del', by, { n, m, ...(th !== undefined && { th }) })
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
  }
})
