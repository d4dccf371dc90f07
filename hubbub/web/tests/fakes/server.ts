/*
 * A server of `hubbub.v1` in memory, that can be told to misbehave in every way
 * a network or a restart can make a right one look.  What it never does is
 * break its own promises: numbers without holes, one number a nonce, `ok` after
 * commit, and no write before one that it refused for now.
 */

import type { Transport } from '../../src/wire/environment'
import type * as wire from '../../src/wire/frames.generated'
import type { Cursor } from '../../src/models/subscription'
import { messagesOf } from './story'
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
  /** A page is read, and sent only after whatever else happens meanwhile. */
  latePage: number
}

export const NO_FAULTS: Faults = {
  lose: 0,
  repeat: 0,
  cutBefore: 0,
  cutAfter: 0,
  refuse: 0,
  eventFirst: 0,
  gap: 0,
  latePage: 0,
}

export const LOBBY = 'r_lobby'
export const ROOM: wire.RoomInfo = { id: LOBBY, name: 'lobby', topic: '', visibility: 'public' }
const HEARTBEAT = 25

type Write = wire.Send | wire.Edit | wire.Delete | wire.React | wire.Pin
/** The event that each write becomes. */
const KINDS: Record<Write['t'], string> = {
  send: 'msg.new',
  edit: 'msg.edit',
  del: 'msg.del',
  react: 'react',
  pin: 'pin',
}

export class FakeServer {
  faults: Faults = { ...NO_FAULTS }
  epoch = 1
  log: wire.Event[] = []
  /** The own streams of users. */
  readonly inboxes: Record<string, wire.Event[]> = {}
  /** Those who aren't in the room. */
  readonly out = new Set<string>()
  /** How far everyone has read, and how much speaks of them there. */
  read: Pick<wire.Marks, 'read' | 'mentions'> = { read: 0, mentions: 0 }
  limits: Partial<wire.Limits> = {}
  up = true
  maxDelta = 1000
  /** How many messages a snapshot has, at most. */
  maxSnapshot = 50
  /** The code with which every write is refused for good. */
  verdict: string | null = null
  names: Record<string, wire.NameInfo> = {}
  readonly received: wire.ClientFrame[] = []
  readonly links = new Set<Link>()
  #nonces = new Map<string, { q: number; ts: number }>()

  constructor(readonly world: World) {}

  get head(): number {
    return this.log.length
  }

  /** The room's messages as they are now. */
  get messages(): wire.MessageInfo[] {
    return messagesOf(this.log)
  }

  get pins(): [number, number][] {
    const pinned = this.messages.flatMap(({ q, pin }) =>
      pin === undefined ? [] : [[q, pin] as [number, number]],
    )
    return pinned.sort(([, one], [, other]) => other - one)
  }

  get marks(): wire.Marks {
    const counted = this.messages.filter(({ q, th, del }) => q > this.read.read && th === undefined && !del)
    return { ...this.read, unread: counted.length }
  }

  get texts(): string[] {
    return this.messages.filter(({ th }) => th === undefined).map(({ text }) => text)
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

  /** Number and keep what is written, once a nonce; or say why not. */
  commit(by: string, write: Write): { q: number; ts: number; dup?: true } | string {
    const before = this.#nonces.get(`${by} ${write.n}`)
    if (before) return { ...before, dup: true }
    const problem = this.verdict ?? this.#problemOf(by, write)
    if (problem) return problem
    const event = this.append(KINDS[write.t], by, this.#bodyOf(write))
    this.#nonces.set(`${by} ${write.n}`, event)
    return { q: event.q, ts: event.ts }
  }

  #problemOf(by: string, write: Write): string | null {
    if (write.t === 'send') return null
    const message = this.messages.find(({ q }) => q === write.m)
    if (!message || message.del !== undefined) return 'not_found'
    if ((write.t === 'edit' || write.t === 'del') && message.by !== by) return 'forbidden'
    return write.t === 'edit' && write.base !== undefined && write.base !== message.base
      ? 'edit_conflict'
      : null
  }

  #bodyOf(write: Write): Record<string, unknown> {
    const { n } = write
    if (write.t === 'send') return { n, ...write.d }
    const { t: _t, id: _id, s: _s, ...rest } = write
    if (write.t === 'edit') return { n, m: write.m, text: write.d.text }
    const { th } = this.messages.find(({ q }) => q === write.m)!
    return write.t === 'del' && th !== undefined ? { ...rest, th } : rest
  }

  append(k: string, by: string, d: Record<string, unknown>): wire.Event {
    const event: wire.Event = { t: 'ev', s: LOBBY, q: this.head + 1, k, ts: this.world.now(), by, d }
    this.log.push(event)
    if (k === 'msg.del') this.#forget(Number(d['m']))
    return event
  }

  /** Send an event to all who subscribed, as faithfully as the faults allow. */
  publish(event: wire.Event): void {
    for (const link of this.links) {
      if (!link.subscribed) continue
      if (this.chance(this.faults.gap)) link.gap()
      else if (!this.chance(this.faults.lose)) {
        link.deliver(event)
        if (this.chance(this.faults.repeat)) link.deliver(event)
      }
    }
  }

  /** Something happens in the room, and everyone hears of it. */
  happen(k: string, by: string, d: Record<string, unknown>): wire.Event {
    this.names[by] ??= { name: by.toUpperCase() }
    const event = this.append(k, by, d)
    this.publish(event)
    return event
  }

  /** Somebody elsewhere says something. */
  say(by: string, text: string, more: Partial<wire.Draft> = {}): wire.Event {
    return this.happen('msg.new', by, { n: `elsewhere-${this.head}`, text, ...more })
  }

  /** Something happens to one user. */
  inform(user: string, k: string, d: Record<string, unknown>): wire.Event {
    const inbox = (this.inboxes[user] ??= [])
    const event: wire.Event = { t: 'ev', s: 'me', q: inbox.length + 1, k, ts: this.world.now(), by: user, d }
    inbox.push(event)
    for (const link of this.links) if (link.user === user) link.deliver(event)
    return event
  }

  /** Somebody is put out of the room: they hear why, and nothing after it (R8). */
  kick(user: string): void {
    this.happen('member', 'keeper', { op: 'kick', user: { id: user, name: user } })
    this.out.add(user)
    for (const link of this.links) if (link.user === user) link.subscribed = false
    this.inform(user, 'room.rm', { room: LOBBY, why: 'kick' })
  }

  admit(user: string): void {
    this.out.delete(user)
    this.happen('member', user, { op: 'join', user: { id: user, name: user } })
    this.inform(user, 'room.add', { room: ROOM })
  }

  subscribe(at: Cursor | undefined): Record<string, unknown> {
    const { epoch, head } = this
    if (at && at[0] === epoch && at[1] <= head && head - at[1] <= this.maxDelta) {
      return { epoch, head, mode: 'delta', ev: this.log.slice(at[1]), users: this.names }
    }
    const all = this.messages
    const msgs = all.slice(-this.maxSnapshot)
    const { marks: me, names: users } = this
    return {
      epoch,
      head,
      mode: 'reset',
      snap: { room: ROOM, me, msgs, more: all.length > msgs.length, users, pins: this.pins },
    }
  }

  subscribeInbox(user: string, at: Cursor | undefined): Record<string, unknown> {
    const { epoch } = this
    const inbox = this.inboxes[user] ?? []
    const head = inbox.length
    if (at?.[0] === epoch && at[1] <= head) {
      return { epoch, head, mode: 'delta', ev: inbox.slice(at[1]), users: {} }
    }
    const rooms = this.out.has(user) ? [] : [ROOM]
    return { epoch, head, mode: 'reset', snap: { rooms, marks: { [LOBBY]: this.marks } } }
  }

  /** R11: what was deleted is forgotten wherever it was said. */
  #forget(q: number): void {
    for (const event of this.log) {
      if (event.q === q || (event.k === 'msg.edit' && event.d['m'] === q)) event.d = {}
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
    readonly user: string,
  ) {
    server.world.after(1, () => (server.up ? this.#open() : this.cut(1006)))
  }

  send(text: string): void {
    this.#lastUp = this.#schedule(this.#lastUp, () => this.#receive(JSON.parse(text) as wire.ClientFrame))
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
      if (this.#welcomed) this.deliver({ t: 'ping', heads: this.#heads() })
      this.#beat()
    })
  }

  #heads(): Record<string, number> {
    const me = this.server.inboxes[this.user]?.length ?? 0
    return { me, ...(!this.server.out.has(this.user) && { [LOBBY]: this.server.head }) }
  }

  #receive(frame: wire.ClientFrame): void {
    this.server.received.push(frame)
    if (frame.t === 'hello') this.#welcome(frame)
    else if (frame.t === 'sub') this.#subscribe(frame)
    else if (frame.t in KINDS) this.#write(frame as Write)
    else if (frame.t === 'skip') this.#skip(frame)
    else if (frame.t === 'hist') this.#history(frame)
    else if (frame.t === 'call') this.#call(frame)
    else if (frame.t === 'ping') this.deliver({ t: 'pong' })
  }

  #welcome({ at = {} }: wire.Hello): void {
    const { server, user } = this
    this.#welcomed = true
    const { epoch, limits } = server
    const moved = Object.entries(this.#heads()).filter(
      ([stream, head]) => at[stream]?.[0] !== epoch || at[stream][1] !== head,
    )
    const heads = Object.fromEntries(moved.map(([stream, head]) => [stream, [epoch, head]]))
    const me = { id: user, name: user.toUpperCase(), kind: 'guest' }
    this.deliver({ t: 'welcome', me, now: server.world.now(), hb: HEARTBEAT, limits, heads })
  }

  #subscribe({ id, s, at }: wire.Sub): void {
    if (s === 'me') return this.deliver({ t: 'ok', id, ...this.server.subscribeInbox(this.user, at) })
    if (this.server.out.has(this.user)) return this.#refuse(id, 'not_found', false)
    this.subscribed = true
    this.deliver({ t: 'ok', id, ...this.server.subscribe(at) })
  }

  #write(write: Write): void {
    const { server, user } = this
    const { id, n } = write
    const { faults } = server
    if (this.#refused !== null && this.#refused !== n) return this.#refuse(id, 'unavailable', true)
    this.#refused = null
    if (server.out.has(user)) return this.#refuse(id, 'not_found', false)
    if (server.chance(faults.refuse)) {
      this.#refused = n
      return this.#refuse(id, 'unavailable', true)
    }
    if (server.chance(faults.cutBefore)) return this.cut(1006)
    const done = server.commit(user, write)
    if (typeof done === 'string') return this.#refuse(id, done, false)
    const { q, ts, dup } = done
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

  #skip({ id, n }: wire.Skip): void {
    if (this.#refused === n) this.#refused = null
    this.deliver({ t: 'ok', id })
  }

  #refuse(id: number, code: string, retry: boolean): void {
    this.deliver({ t: 'err', id, code, msg: code, retry })
  }

  #history({ id, before = Infinity, around, limit = 0 }: wire.Hist): void {
    const older = this.server.messages.filter(({ q }) => q < before)
    const found = older.findIndex(({ q }) => q >= (around ?? Infinity))
    const msgs =
      around === undefined ? older.slice(-limit) : found < 0 ? [] : older.slice(found, found + limit)
    this.#deliverPage({ t: 'ok', id, ...this.#page(msgs, older.length > msgs.length) })
  }

  #call({ id, m, p }: wire.Call): void {
    const { server } = this
    const { q, before = Infinity, limit = 50 } = p as { q?: number; before?: number; limit?: number }
    if (m === 'msg.thread') {
      const replies = server.messages.filter(({ th, q: at }) => th === q && at < before)
      const msgs = replies.slice(-limit)
      this.#deliverPage({ t: 'ok', id, r: this.#page(msgs, replies.length > msgs.length) })
    } else if (m === 'msg.pinned') {
      const msgs = server.messages.filter(({ pin }) => pin !== undefined)
      this.#deliverPage({ t: 'ok', id, r: this.#page(msgs, false) })
    } else this.#refuse(id, 'unknown_op', false)
  }

  #page(msgs: wire.MessageInfo[], more: boolean): object {
    const { head: asof, names: users } = this.server
    return { msgs, asof, more, users }
  }

  #deliverPage(page: object): void {
    const { world, faults } = this.server
    const read = structuredClone(page)
    const wait = this.server.chance(faults.latePage) ? 500 : 0
    world.after(wait, () => this.#gone || this.deliver(read))
  }
}
