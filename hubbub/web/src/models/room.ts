/*
 * A room as this page sees it: its messages, its people, and how much of it is
 * here.  It reads what the stream says; it asks the server for nothing but
 * older messages.
 */

import type { Connection } from '../wire/connection'
import type { Environment } from '../wire/environment'
import type {
  EphemeralFrame,
  EventFrame,
  Page,
  Present,
  RoomInfo,
  Snapshot,
  User,
  Users,
  WireMessage,
} from '../wire/frames'
import { Log, type Message } from './log'
import { Observable } from './observable'
import { People } from './people'
import type { StreamReader } from './subscription'

/** `loading` until first filled; `stale` while something may be missing. */
export type RoomStatus = 'loading' | 'stale' | 'live' | 'forbidden'
export type OlderStatus = 'idle' | 'loading' | 'failed'

export interface RoomListener {
  /** A message is in the log: just now, or because the log was filled anew (up to `head`). */
  arrived(room: Room, message: Message): void
  refilled(room: Room, head: number, renumbered: boolean): void
  renamed(user: User): void
}

const PAGE_SIZE = 50

export class Room extends Observable implements StreamReader {
  status: RoomStatus = 'loading'
  older: OlderStatus = 'idle'
  readonly log = new Log()
  readonly people: People

  constructor(
    public info: RoomInfo,
    private readonly connection: Pick<Connection, 'request'>,
    environment: Environment,
    private readonly listener: RoomListener,
  ) {
    super()
    this.people = new People(environment, () => this.changed())
  }

  get id(): string {
    return this.info.id
  }

  learn(users: Users): void {
    this.people.learn(users)
  }

  apply(event: EventFrame): void {
    if (event.k === 'msg.new') this.#arrive(event)
    else if (event.k === 'member') this.#member(event.d['user'] as User)
    this.changed()
  }

  reset(snapshot: Partial<Snapshot>, head: number, renumbered: boolean): void {
    if (snapshot.room) this.info = snapshot.room
    this.people.learn(snapshot.users ?? {})
    this.log.reset(snapshot.msgs ?? [], snapshot.more ?? false)
    this.older = 'idle'
    this.listener.refilled(this, head, renumbered)
    this.changed()
  }

  caughtUp(is: boolean): void {
    if (is) this.status = 'live'
    else if (this.status !== 'loading') this.status = 'stale'
    this.changed()
  }

  refused(): void {
    this.status = 'forbidden'
    this.changed()
  }

  /** What is lossy: who is here, who types. */
  overhear({ k, d, ttl }: EphemeralFrame): void {
    if (k === 'pres.state') this.people.arrive(d['users'] as Present[], Number(d['count'] ?? 0))
    else if (k === 'pres') this.people.move(d as unknown as Present)
    else if (k === 'typing') this.#typing(d['user'] as User, d['on'] === true, ttl)
    this.changed()
  }

  /** The connection is gone, and with it the knowledge of who types. */
  lost(): void {
    this.people.hush()
    if (this.older === 'loading') this.older = 'idle'
    this.changed()
  }

  /** Ask for the page before the first message, unless one is on its way or there is none. */
  loadOlder(): void {
    const first = this.log.first
    if (this.older === 'loading' || !this.log.more || !first) return
    this.older = 'loading'
    const generation = this.log.generation
    this.connection.request<Page>(
      { t: 'hist', s: this.id, before: first.q, limit: PAGE_SIZE },
      {
        ok: (page) => this.#older(page, generation),
        err: ({ code }) => this.#olderFailed(code),
      },
    )
    this.changed()
  }

  /** Forget old messages that can be asked for again, so that a long day doesn't fill the page. */
  trim(keep: number): void {
    if (this.older !== 'loading' && this.log.trim(keep)) this.changed()
  }

  #arrive({ q, ts, by, d }: EventFrame): void {
    const { n, text } = d
    const message: WireMessage = { q, rev: q, base: q, ts, by, n: String(n), text: String(text) }
    if (typeof d['re'] === 'number') message.re = d['re']
    this.log.append(message)
    this.people.typing(by, false)
    this.listener.arrived(this, message)
  }

  #member(user: User): void {
    this.people.learnOne(user)
    this.listener.renamed(user)
  }

  #typing(user: User, on: boolean, ttl?: number): void {
    this.people.learnOne(user)
    this.people.typing(user.id, on, ttl)
  }

  #older(page: Page, generation: number): void {
    this.older = 'idle'
    if (generation === this.log.generation) {
      this.people.learn(page.users)
      this.log.prepend(page.msgs, page.more)
    }
    this.changed()
  }

  #olderFailed(code: string): void {
    this.older = code === 'lost' ? 'idle' : 'failed'
    this.changed()
  }
}
