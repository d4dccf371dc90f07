/* A page without views: one user's sync engine on a fake server. */

import { MemoryStore } from '../../src/models/outbox-store'
import type { Entry, OutboxStore } from '../../src/models/outbox'
import { timelineRows, type MessageRow } from '../../src/models/rows'
import { Sync, type SyncListener } from '../../src/models/sync'
import { FakeServer, LOBBY, ROOM } from './server'
import { seeded, World } from './world'

/** An outbox store that outlives its page, as a browser's does. */
export class KeptStore implements OutboxStore {
  readonly kept = new Map<string, Entry>()

  /** What a claim has to wait for. */
  constructor(private readonly wait: () => Promise<void> = () => Promise.resolve()) {}

  async claim(user: string): Promise<Entry[]> {
    await this.wait()
    const entries = [...this.kept.values()].filter((entry) => entry.user === user)
    return entries.map((entry) => ({ ...entry }))
  }
  put(entry: Entry): void {
    this.kept.set(entry.nonce, { ...entry })
  }
  remove(nonce: string): void {
    this.kept.delete(nonce)
  }
  clear(): Promise<void> {
    this.kept.clear()
    return Promise.resolve()
  }
}

export class Page {
  readonly ended: string[] = []
  readonly heard: string[] = []
  doubts = 0
  readonly sync: Sync

  constructor(server: FakeServer, user: string, store: OutboxStore = new MemoryStore()) {
    const { now, after, random } = server.world
    const listener: SyncListener = {
      ended: (why) => this.ended.push(why),
      doubted: () => (this.doubts += 1),
      heard: (_room, { text }) => this.heard.push(text),
    }
    const environment = { now, after, random, open: () => server.open(user) }
    const me = { id: user, name: user.toUpperCase(), kind: 'guest' } as const
    this.sync = new Sync(me, environment, store, listener, ROOM)
  }

  get lobby() {
    return this.sync.room(LOBBY)!
  }

  say(text: string): void {
    this.sync.say(LOBBY, text)
  }

  /** The messages as the timeline shows them. */
  get rows(): MessageRow[] {
    const rows = timelineRows(this.lobby.log.timeline, this.sync.outbox.of(LOBBY), this.sync.me.id)
    return rows.filter((row) => row.kind === 'message')
  }

  get texts(): string[] {
    return this.rows.map(({ text }) => text)
  }
}

/** Open a user's page, and let everything come that is there. */
export async function enter(server: FakeServer, user: string, store?: OutboxStore): Promise<Page> {
  const page = new Page(server, user, store)
  page.sync.start()
  await server.world.pass(1000)
  return page
}

/** Let two people say something, and someone come who is called `me`. */
export async function begin(): Promise<{ world: World; server: FakeServer; page: Page }> {
  const world = new World(seeded(1))
  const server = new FakeServer(world)
  server.say('ann', 'hello')
  server.say('bo', 'hi')
  return { world, server, page: await enter(server, 'me') }
}
