/*
 * Everything one signed-in page holds with the server: the rooms, the outbox
 * and the connection, wired together.  The only model that sees frames of all
 * kinds; each is handed to whom it concerns.
 */

import { bodyOf } from '../wire/bodies'
import type { Ending } from '../wire/closing'
import { Connection, type ConnectionState } from '../wire/connection'
import type { Environment } from '../wire/environment'
import type * as wire from '../wire/frames.generated'
import { Calls, type Given, type Method, type Params } from './calls'
import type { Attached } from './attached'
import type { Message } from './log'
import { keyOf, kept, choiceOf, type Choice } from './choices'
import { Observable } from './observable'
import { Own } from './own'
import { Outbox, type Entry, type OutboxStore, type Write } from './outbox'
import type { PresenceState } from './people'
import type { Room, RoomListener } from './room'
import { Rooms } from './rooms'
import { Sender } from './sender'
import { Subscription, type Cursor } from './subscription'
import { Trays } from './trays'
import { NOBODY, Uploads, type Carrier } from './uploads'

const OWN_STREAM = 'me'
/** What a hello may speak of. */
const MOST_STREAMS = 1000
/** A storage that takes longer to tell what earlier pages left may never tell. */
const PATIENCE = 2000

export interface SyncListener {
  /** The server ended it for good. */
  ended(why: Ending): void
  /** The connection can't be had: perhaps the session is no longer valid. */
  doubted(): void
  /** Somebody said something just now. */
  heard(room: Room, message: Message): void
}

export class Sync extends Observable {
  readonly outbox: Outbox
  /** What the reader keeps for all their devices. */
  readonly own = new Own()
  readonly uploads: Uploads
  readonly trays: Trays
  textLimit = 16_000
  readonly #connection: Connection
  readonly #sender: Sender
  readonly #calls: Calls
  readonly #inbox: Subscription<wire.InboxCopy>
  readonly #rooms: Rooms
  #presence: PresenceState = 'on'
  /** How far rooms were read, which the server isn't known to have heard. */
  readonly #reads = new Map<string, number>()
  #clockAhead = 0
  /** When the server let this connection in, by its own clock. */
  #openedAt = 0

  /** `room` is there to be shown before the server has said a word. */
  constructor(
    public me: wire.MeInfo,
    private readonly environment: Environment,
    store: OutboxStore,
    private readonly listener: SyncListener,
    room?: wire.RoomInfo,
    carrier: Carrier = NOBODY,
  ) {
    super()
    this.outbox = new Outbox(me.id, store, environment)
    this.uploads = new Uploads(carrier, environment)
    this.trays = new Trays(this.uploads)
    this.#connection = new Connection(environment, {
      hello: () => ({ t: 'hello', client: { name: 'web', ver: __VERSION__ }, feat: [], at: this.#cursors() }),
      welcome: (frame) => this.#welcome(frame),
      frame: (frame) => this.#receive(frame),
      state: (state) => this.#moved(state),
      ended: (why) => listener.ended(why),
      failed: () => listener.doubted(),
    })
    this.#sender = new Sender(this.#connection, environment, this.outbox, this.uploads, (entry, q, ts) =>
      this.#confirmed(entry, q, ts),
    )
    this.#calls = new Calls(this.#connection, environment)
    this.#inbox = new Subscription(OWN_STREAM, this.#connection, environment, {
      learn: () => {},
      apply: (event) => this.#inform(event),
      reset: (copy) => this.#belong(copy),
      caughtUp: () => this.changed(),
      refused: () => {},
    })
    this.#rooms = new Rooms(me.id, this.#connection, environment, this.#roomListener)
    if (room) this.#rooms.follow(room)
  }

  get state(): ConnectionState {
    return this.#connection.state
  }

  get rooms(): Room[] {
    return this.#rooms.all
  }

  room(id: string): Room | undefined {
    return this.#rooms.room(id)
  }

  /** Whether the server has said which rooms are the user's. */
  get settled(): boolean {
    return this.#inbox.cursor !== null
  }

  start(): void {
    this.#connection.start()
    this.environment.after(PATIENCE, () => this.#begin())
    void this.#adopt()
  }

  stop(): void {
    this.#connection.stop()
  }

  /** Reconnect now; `wake` does so only where the server didn't ask for patience. */
  hurry(): void {
    this.#connection.hurry()
  }

  wake(): void {
    this.#connection.wake()
    void this.#adopt()
  }

  /** Say it: shown at once, sent when it can be; perhaps as an answer, or in a thread. */
  say(
    stream: string,
    text: string,
    place: Pick<wire.Draft, 're' | 'th'> = {},
    attached: readonly Attached[] = [],
  ): void {
    this.#write(stream, { t: 'send', text, ...place, ...(attached.length > 0 && { attached }) })
  }

  /** Give one's own message another text. */
  edit(stream: string, m: number, text: string): void {
    const underWay = this.outbox.of(stream).some((entry) => entry.t === 'edit' && entry.m === m)
    const message = this.room(stream)?.message(m)
    // Of an edit that isn't done yet, nobody knows the number.
    const base = typeof message === 'object' && !underWay ? { base: message.base } : {}
    this.#write(stream, { t: 'edit', m, text, ...base })
  }

  /** Take a message back. */
  takeBack(stream: string, m: number): void {
    this.#write(stream, { t: 'del', m })
  }

  react(stream: string, m: number, e: string, on: boolean): void {
    this.#write(stream, { t: 'react', m, e, on })
  }

  pin(stream: string, m: number, on: boolean): void {
    this.#write(stream, { t: 'pin', m, on })
  }

  retry({ nonce, stream }: Entry): void {
    this.outbox.retry(nonce)
    this.#sender.pump(stream)
  }

  /** Forget what wasn't sent, or was refused; returns false if the server may be doing it at this moment. */
  giveUp(entry: Entry): boolean {
    const given = this.#sender.giveUp(entry)
    if (given && entry.t === 'send') for (const { key } of entry.attached ?? []) this.uploads.cancel(key)
    return given
  }

  /** What a method of the server gives; rejects with a CallError that has its code. */
  call<M extends Method>(method: M, params: Params<M>): Promise<Given<M>> {
    return this.#calls.call(method, params)
  }

  /** Keep what the reader wants of a room; rejects with a CallError. */
  choose(room: string, change: Partial<Choice>): Promise<void> {
    const value = kept({ ...choiceOf(this.own, room), ...change })
    return this.own.keep((method, params) => this.call(method, params), keyOf(room), value)
  }

  /** Have read a room up to `q`: said until the server is known to have heard it. */
  markRead(stream: string, q: number): void {
    const known = Math.max(this.#reads.get(stream) ?? 0, this.room(stream)?.unread.marks.read ?? 0)
    if (q <= known) return
    this.#reads.set(stream, q)
    this.#connection.notify({ t: 'read', s: stream, q })
  }

  typing(stream: string, on: boolean): void {
    this.#connection.notify({ t: 'typing', s: stream, on })
  }

  present(state: PresenceState): void {
    this.#presence = state
    this.#connection.notify({ t: 'pres', state })
  }

  renamed(user: wire.UserInfo): void {
    if (user.id !== this.me.id || user.name === this.me.name) return
    this.me = { ...this.me, name: user.name }
    this.changed()
  }

  #write(stream: string, write: Write): void {
    const last = this.room(stream)?.log.last?.ts ?? 0
    this.outbox.add(stream, write, Math.max(last, this.environment.now() + this.#clockAhead))
    this.#sender.pump(stream)
  }

  #cursors(): Record<string, Cursor> {
    const { cursor } = this.#inbox
    const all = { ...(cursor && { [OWN_STREAM]: cursor }), ...this.#rooms.cursors }
    return Object.fromEntries(Object.entries(all).slice(0, MOST_STREAMS))
  }

  #welcome(frame: wire.Welcome): void {
    this.#openedAt = frame.now
    this.#clockAhead = frame.now - this.environment.now()
    this.textLimit = frame.limits.text ?? this.textLimit
    this.#sender.frameLimit = frame.limits.frame ?? Infinity
    this.uploads.limit = frame.limits.file ?? 0
    this.trays.most = frame.limits.files ?? this.trays.most
    this.uploads.reach(true)
    this.renamed(frame.me)
    this.#forsake(frame.heads)
    this.#inbox.follow(frame.heads[OWN_STREAM])
    this.#rooms.ask()
    this.#calls.ask()
    this.changed()
    this.#pump()
    for (const [stream, q] of this.#reads) this.#connection.notify({ t: 'read', s: stream, q })
    if (this.#presence !== 'on') this.present(this.#presence)
    void this.#adopt()
  }

  /** What was to be changed in a room that is numbered anew must not be sent before its copy is here. */
  #forsake(heads: wire.Welcome['heads']): void {
    for (const [stream, [epoch]] of Object.entries(heads)) {
      if (this.#subscription(stream)?.renumbered(epoch)) this.outbox.forsake(stream)
    }
  }

  #receive(frame: wire.ServerFrame): void {
    if (frame.t === 'ev') this.#subscription(frame.s)?.receive(frame)
    else if (frame.t === 'gap') this.#leaveOut(frame)
    else if (frame.t === 'ping') this.#beat(frame)
    else if (frame.t === 'eph' && frame.s !== undefined) {
      this.room(frame.s)?.overhear(frame as wire.Ephemeral)
    }
  }

  #leaveOut({ s, head }: wire.Gap): void {
    this.#subscription(s)?.lapse()
    this.#subscription(s)?.hear(head)
  }

  /** Every heartbeat: is anything missing, has any page closed with something to say? */
  #beat({ heads = {} }: wire.Ping): void {
    for (const [stream, head] of Object.entries(heads)) this.#subscription(stream)?.hear(head)
    void this.#adopt()
  }

  /** What happens to the user, not in a room. */
  #inform(event: wire.Event): void {
    const body = bodyOf(event)
    if (body?.k === 'room.add') this.#rooms.follow(body.d.room)
    else if (body?.k === 'room.rm') this.#rooms.drop(body.d.room)
    else if (body?.k === 'read') this.#read(body.d, event.ts)
    else if (body?.k === 'mention') this.room(body.d.s)?.mention(body.d.q)
    else if (body?.k === 'set') this.own.apply(body.d)
    else if (body?.k === 'block') this.own.block(body.d)
    this.changed()
  }

  /** The rooms that the user belongs to, and no others. */
  #belong(copy: wire.InboxCopy): void {
    this.#rooms.fill(copy, this.#openedAt)
    this.own.fill(copy)
    this.changed()
  }

  #read({ s, q, unread, mentions, asof }: wire.ReadBody, ts: number): void {
    if (q >= (this.#reads.get(s) ?? Infinity)) this.#reads.delete(s)
    this.room(s)?.mark({ read: q, unread, mentions, ...(asof !== undefined && { asof }) }, ts)
  }

  #subscription(
    stream: string,
  ): Pick<Subscription<never>, 'receive' | 'hear' | 'lapse' | 'last' | 'renumbered'> | undefined {
    return stream === OWN_STREAM ? this.#inbox : this.#rooms.subscription(stream)
  }

  readonly #roomListener: RoomListener = {
    arrived: (room, message) => {
      if (message.by === this.me.id || message.th !== undefined || message.n === '') return
      this.listener.heard(room, message)
    },
    applied: (room, event) => this.#done(room, event),
    refilled: (room, head, renumbered) => this.#reconcile(room, head, renumbered),
    renamed: (user) => this.renamed(user),
    // If the reader is back already, only another subscription brings what followed (R8).
    ended: ({ id }) => this.#rooms.subscription(id)?.lapse(),
  }

  /** Let go of the entry that became an event; of one that was forgotten since, its number tells. */
  #done(room: Room, { q, by, d }: wire.Event): void {
    for (const entry of this.outbox.of(room.id)) {
      const same = by === this.me.id && entry.nonce === d['n']
      if (same || (entry.state === 'acked' && (entry.q ?? 0) <= q)) this.outbox.remove(entry.nonce)
    }
  }

  /** Let go of entries that a freshly filled room has, or has behind it. */
  #reconcile(room: Room, head: number, renumbered: boolean): void {
    if (renumbered) this.outbox.forsake(room.id)
    for (const { nonce, state, q } of this.outbox.of(room.id)) {
      const passed = state === 'acked' && (renumbered || (q ?? 0) <= head)
      if (passed || room.log.findOwn(this.me.id, nonce)) this.outbox.remove(nonce)
    }
  }

  #confirmed({ nonce, stream }: Entry, q: number, ts: number): void {
    if (q <= (this.#subscription(stream)?.last ?? 0)) this.outbox.remove(nonce)
    else this.outbox.confirm(nonce, q, ts)
  }

  /** Send what closed pages left unsent. */
  async #adopt(): Promise<void> {
    await this.outbox.claim()
    this.#begin()
  }

  #begin(): void {
    this.#sender.begin()
    this.#pump()
  }

  #pump(): void {
    for (const stream of this.outbox.streams) this.#sender.pump(stream)
  }

  #moved(state: ConnectionState): void {
    if (state === 'waiting' || state === 'idle' || state === 'ended') this.#lost()
    this.changed()
  }

  #lost(): void {
    this.uploads.reach(false)
    this.#sender.lost()
    this.#inbox.lost()
    this.#rooms.lost()
  }
}
