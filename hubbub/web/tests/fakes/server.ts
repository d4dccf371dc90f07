/*
 * A server of `hubbub.v1` in memory, that can be told to misbehave in every way
 * a network or a restart can make a right one look.  What it never does is
 * break its own promises: numbers without holes, one number a nonce, `ok` after
 * commit.
 */

import type { Transport } from '../../src/wire/environment'
import type { ClientFrame, Cursor, EventFrame, Users, WireMessage } from '../../src/wire/frames'
import type { World } from './world'

/** Chances of each fault, 0 to 1, at each opportunity. */
export interface Faults {
  /** An event isn't delivered to one connection. */
  lose: number
  /** An event is delivered twice. */
  repeat: number
  /** The connection is closed before a write, or after its commit and before its `ok`. */
  cutBefore: number
  cutAfter: number
  /** A write is refused for now. */
  refuse: number
  /** The event comes before the `ok`. */
  eventFirst: number
  /** The stream is dropped for one connection, with a `gap`. */
  gap: number
}

export const NO_FAULTS: Faults = {
  lose: 0,
  repeat: 0,
  cutBefore: 0,
  cutAfter: 0,
  refuse: 0,
  eventFirst: 0,
  gap: 0,
}

export const LOBBY = 'r_lobby'
const HEARTBEAT = 25

export class FakeServer {
  faults: Faults = { ...NO_FAULTS }
  epoch = 1
  log: EventFrame[] = []
  up = true
  maxDelta = 1000
  /** How many messages a snapshot has, at most. */
  maxSnapshot = 50
  /** The code with which every write is refused for good. */
  verdict: string | null = null
  names: Users = {}
  readonly received: ClientFrame[] = []
  readonly links = new Set<Link>()
  #nonces = new Map<string, { q: number; ts: number }>()

  constructor(readonly world: World) {}

  get head(): number {
    return this.log.length
  }

  get texts(): unknown[] {
    return this.log.filter(({ k }) => k === 'msg.new').map(({ d }) => d['text'])
  }

  chance(of: number): boolean {
    return of > 0 && this.world.random() < of
  }

  open(user: string): Transport {
    this.names[user] ??= { name: user.toUpperCase() }
    return new Link(this, user)
  }

  /** Close every connection as a restart does; `up` says whether new ones are taken. */
  cut(code = 1012): void {
    for (const link of [...this.links]) link.cut(code)
  }

  /** Number and keep a message, once a nonce. */
  commit(by: string, n: string, text: string): { q: number; ts: number; dup?: true } {
    const before = this.#nonces.get(`${by} ${n}`)
    if (before) return { ...before, dup: true }
    const event = this.append('msg.new', by, { n, text })
    this.#nonces.set(`${by} ${n}`, event)
    return { q: event.q, ts: event.ts }
  }

  append(k: string, by: string, d: Record<string, unknown>): EventFrame {
    const event: EventFrame = { t: 'ev', s: LOBBY, q: this.head + 1, k, ts: this.world.now(), by, d }
    this.log.push(event)
    return event
  }

  /** Send an event to all who subscribed, as faithfully as the faults allow. */
  publish(event: EventFrame): void {
    for (const link of this.links) {
      if (!link.subscribed) continue
      if (this.chance(this.faults.gap)) link.gap()
      else if (!this.chance(this.faults.lose)) {
        link.deliver(event)
        if (this.chance(this.faults.repeat)) link.deliver(event)
      }
    }
  }

  /** Somebody elsewhere says something. */
  say(by: string, text: string): void {
    this.names[by] ??= { name: by.toUpperCase() }
    this.commit(by, `elsewhere-${this.head}`, text)
    this.publish(this.log.at(-1)!)
  }

  messages(from: number, to: number): WireMessage[] {
    return this.log
      .slice(from, to)
      .filter(({ k }) => k === 'msg.new')
      .map(({ q, ts, by, d }) => {
        const { n, text } = d
        return { q, rev: q, base: q, ts, by, n: String(n), text: String(text) }
      })
  }

  subscribe(at: Cursor | undefined): Record<string, unknown> {
    const { epoch, head } = this
    if (at && at[0] === epoch && at[1] <= head && head - at[1] <= this.maxDelta) {
      return { epoch, head, mode: 'delta', ev: this.log.slice(at[1]), users: this.names }
    }
    const all = this.messages(0, head)
    const msgs = all.slice(-this.maxSnapshot)
    return {
      epoch,
      head,
      mode: 'reset',
      snap: { room: { id: LOBBY, name: 'lobby' }, msgs, more: all.length > msgs.length, users: this.names },
    }
  }
}

/** One connection, both ends: frames take time, and keep their order. */
class Link implements Transport {
  onopen: Transport['onopen'] = null
  onmessage: Transport['onmessage'] = null
  onclose: Transport['onclose'] = null
  subscribed = false
  #gone = false
  #welcomed = false
  #lastUp = 0
  #lastDown = 0
  /** The write that was refused for now: until it comes again, no other passes. */
  #refused: string | null = null

  constructor(
    private readonly server: FakeServer,
    private readonly user: string,
  ) {
    server.world.after(1, () => (server.up ? this.#open() : this.cut(1006)))
  }

  send(text: string): void {
    this.#lastUp = this.#schedule(this.#lastUp, () => this.#receive(JSON.parse(text) as ClientFrame))
  }

  close(): void {
    this.#gone = true
    this.server.links.delete(this)
  }

  cut(code: number): void {
    if (this.#gone) return
    this.close()
    this.server.world.after(0, () => this.onclose?.call(null as never, { code } as CloseEvent))
  }

  deliver(frame: object): void {
    const data = JSON.stringify(frame)
    this.#lastDown = this.#schedule(this.#lastDown, () => {
      this.onmessage?.call(null as never, { data } as MessageEvent)
    })
  }

  gap(): void {
    this.subscribed = false
    this.deliver({ t: 'gap', s: LOBBY, head: this.server.head })
  }

  #schedule(last: number, run: () => void): number {
    const { world } = this.server
    const due = Math.max(last, world.now() + Math.floor(world.random() * 40))
    world.after(due - world.now(), () => {
      if (!this.#gone) run()
    })
    return due
  }

  #open(): void {
    if (this.#gone) return
    this.server.links.add(this)
    this.onopen?.call(null as never, {} as Event)
    this.#beat()
  }

  #beat(): void {
    this.server.world.after(HEARTBEAT * 1000, () => {
      if (this.#gone) return
      if (this.#welcomed) this.deliver({ t: 'ping', heads: { [LOBBY]: this.server.head } })
      this.#beat()
    })
  }

  #receive(frame: ClientFrame): void {
    this.server.received.push(frame)
    if (frame.t === 'hello') this.#welcome()
    else if (frame.t === 'sub') this.#subscribe(frame.id, frame.at)
    else if (frame.t === 'send') this.#write(frame.id, frame.n, frame.d.text)
    else if (frame.t === 'hist') this.#history(frame.id, frame.before, frame.limit)
    else if (frame.t === 'ping') this.deliver({ t: 'pong' })
  }

  #welcome(): void {
    const { server, user } = this
    this.#welcomed = true
    const heads = { me: [1, 0], [LOBBY]: [server.epoch, server.head] }
    const me = { id: user, name: user.toUpperCase(), kind: 'guest' }
    this.deliver({ t: 'welcome', me, now: server.world.now(), hb: HEARTBEAT, limits: {}, heads })
  }

  #subscribe(id: number, at: Cursor | undefined): void {
    this.subscribed = true
    this.deliver({ t: 'ok', id, ...this.server.subscribe(at) })
  }

  #write(id: number, n: string, text: string): void {
    const { server, user } = this
    const { faults } = server
    if (this.#refused !== null && this.#refused !== n) return this.#refuse(id, 'unavailable', true)
    this.#refused = null
    if (server.verdict) return this.#refuse(id, server.verdict, false)
    if (server.chance(faults.refuse)) {
      this.#refused = n
      return this.#refuse(id, 'unavailable', true)
    }
    if (server.chance(faults.cutBefore)) return this.cut(1006)
    const { q, ts, dup } = server.commit(user, n, text)
    const event = server.log[q - 1]!
    if (server.chance(faults.cutAfter)) {
      this.cut(1006)
      if (!dup) server.publish(event)
      return
    }
    const acknowledge = (): void => this.deliver({ t: 'ok', id, q, ts, ...(dup && { dup }) })
    if (dup) return acknowledge()
    const eventFirst = server.chance(faults.eventFirst)
    if (!eventFirst) acknowledge()
    server.publish(event)
    if (eventFirst) acknowledge()
  }

  #refuse(id: number, code: string, retry: boolean): void {
    this.deliver({ t: 'err', id, code, msg: code, retry })
  }

  #history(id: number, before: number, limit: number): void {
    const older = this.server.messages(0, before - 1)
    const msgs = older.slice(-limit)
    const { head: asof, names: users } = this.server
    this.deliver({ t: 'ok', id, msgs, asof, more: older.length > msgs.length, users })
  }
}
