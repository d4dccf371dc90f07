/*
 * Everything one signed-in page holds with the server: the rooms, the outbox
 * and the connection, wired together.  The only model that sees frames of all
 * kinds; each is handed to whom it concerns.
 */

import { Connection, type ConnectionState, type Ending } from '../wire/connection'
import type { Environment } from '../wire/environment'
import type {
  Cursors,
  EphemeralFrame,
  EventFrame,
  Me,
  PingFrame,
  PresenceState,
  RoomInfo,
  ServerFrame,
  User,
  WelcomeFrame,
} from '../wire/frames'
import type { Message } from './log'
import { Observable } from './observable'
import { Outbox, type Entry, type OutboxStore } from './outbox'
import type { Room, RoomListener } from './room'
import { Rooms } from './rooms'
import { Sender } from './sender'
import { Subscription } from './subscription'

const OWN_STREAM = 'me'
/** The room that everyone is in, so that there is something to show before the server has said a word. */
const LOBBY: RoomInfo = { id: 'r_lobby', name: 'lobby' }
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
  textLimit = 16_000
  readonly #connection: Connection
  readonly #sender: Sender
  readonly #own: Subscription
  readonly #rooms: Rooms
  #presence: PresenceState = 'on'
  #clockAhead = 0

  constructor(
    public me: Me,
    private readonly environment: Environment,
    store: OutboxStore,
    private readonly listener: SyncListener,
  ) {
    super()
    this.outbox = new Outbox(me.id, store, environment)
    this.#connection = new Connection(environment, {
      hello: () => ({ t: 'hello', client: { name: 'web', ver: __VERSION__ }, feat: [], at: this.#cursors() }),
      welcome: (frame) => this.#welcome(frame),
      frame: (frame) => this.#receive(frame),
      state: (state) => this.#moved(state),
      ended: (why) => listener.ended(why),
      failed: () => listener.doubted(),
    })
    this.#sender = new Sender(this.#connection, environment, this.outbox, (entry, q, ts) =>
      this.#confirmed(entry, q, ts),
    )
    this.#own = new Subscription(OWN_STREAM, this.#connection, environment, {
      learn: () => {},
      apply: (event) => this.#inform(event),
      reset: () => {},
      caughtUp: () => {},
      refused: () => {},
    })
    this.#rooms = new Rooms(this.#connection, environment, this.#roomListener)
    this.#rooms.follow(LOBBY)
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

  /** Say it: shown at once, sent when it can be. */
  say(stream: string, text: string): void {
    const last = this.room(stream)?.log.last?.ts ?? 0
    this.outbox.add(stream, { text }, Math.max(last, this.environment.now() + this.#clockAhead))
    this.#sender.pump(stream)
  }

  retry({ nonce, stream }: Entry): void {
    this.outbox.retry(nonce)
    this.#sender.pump(stream)
  }

  typing(stream: string, on: boolean): void {
    this.#connection.notify({ t: 'typing', s: stream, on })
  }

  present(state: PresenceState): void {
    this.#presence = state
    this.#connection.notify({ t: 'pres', state })
  }

  renamed(user: User): void {
    if (user.id !== this.me.id || user.name === this.me.name) return
    this.me = { ...this.me, name: user.name }
    this.changed()
  }

  #cursors(): Cursors {
    const { cursor } = this.#own
    return { ...this.#rooms.cursors, ...(cursor && { [OWN_STREAM]: cursor }) }
  }

  #welcome(frame: WelcomeFrame): void {
    this.#clockAhead = frame.now - this.environment.now()
    this.textLimit = frame.limits.text ?? this.textLimit
    this.renamed(frame.me)
    this.#own.follow(frame.heads[OWN_STREAM])
    for (const stream of Object.keys(frame.heads)) {
      if (stream !== OWN_STREAM) this.#rooms.follow({ id: stream, name: '' })
    }
    this.#rooms.ask()
    this.changed()
    this.#pump()
    if (this.#presence !== 'on') this.present(this.#presence)
    void this.#adopt()
  }

  #receive(frame: ServerFrame): void {
    if (frame.t === 'ev') this.#subscription(frame.s)?.receive(frame)
    else if (frame.t === 'eph') this.#overhear(frame)
    else if (frame.t === 'gap') this.#subscription(frame.s)?.gap()
    else if (frame.t === 'ping') this.#beat(frame)
  }

  #overhear(frame: EphemeralFrame): void {
    if (frame.k === 'typing' && (frame.d['user'] as User).id === this.me.id) return
    if (frame.s !== undefined) this.room(frame.s)?.overhear(frame)
  }

  /** Every heartbeat: is anything missing, has any page closed with something to say? */
  #beat({ heads = {} }: PingFrame): void {
    for (const [stream, head] of Object.entries(heads)) this.#subscription(stream)?.hear(head)
    void this.#adopt()
  }

  /** What happens to the user, not in a room. */
  #inform({ k, d }: EventFrame): void {
    const room = d['room'] as RoomInfo
    if (k !== 'room.add' || !this.#rooms.follow(room)) return
    this.#rooms.subscription(room.id)?.ask()
    this.changed()
  }

  #subscription(stream: string): Subscription | undefined {
    return stream === OWN_STREAM ? this.#own : this.#rooms.subscription(stream)
  }

  readonly #roomListener: RoomListener = {
    arrived: (room, message) => {
      if (message.by === this.me.id) this.outbox.remove(message.n)
      else this.listener.heard(room, message)
    },
    refilled: (room, head, renumbered) => this.#reconcile(room, head, renumbered),
    renamed: (user) => this.renamed(user),
  }

  /** Let go of entries that a freshly filled room has, or has behind it. */
  #reconcile(room: Room, head: number, renumbered: boolean): void {
    for (const { nonce, state, q } of this.outbox.of(room.id)) {
      const passed = state === 'acked' && (renumbered || (q ?? 0) <= head)
      if (passed || room.log.find(this.me.id, nonce)) this.outbox.remove(nonce)
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
    for (const { id } of this.#rooms.all) this.#sender.pump(id)
  }

  #moved(state: ConnectionState): void {
    if (state === 'waiting' || state === 'idle' || state === 'ended') this.#lost()
    this.changed()
  }

  #lost(): void {
    this.#sender.lost()
    this.#own.lost()
    this.#rooms.lost()
  }
}
