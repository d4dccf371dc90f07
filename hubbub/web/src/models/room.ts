/*
 * A room as this page sees it: its messages, its people, and how much of it is
 * here.  It reads what the stream says, and asks the server for what is shown
 * and isn't here: older messages, threads, what is answered or pinned, members.
 */

import { bodyOf, isChange, overheardOf, type Body, type Change } from '../wire/bodies'
import type { Connection } from '../wire/connection'
import type { Environment } from '../wire/environment'
import type * as wire from '../wire/frames.generated'
import { Log, type Message } from './log'
import { Observable } from './observable'
import { Pages, type Happened } from './pages'
import { People } from './people'
import { Roster } from './roster'
import { Strays, type Stray } from './strays'
import { follow } from './sections'
import type { StreamReader } from './subscription'
import { Thread } from './thread'
import { Unread } from './unread'

/** `loading` until first filled; `stale` while something may be missing. */
export type RoomStatus = 'loading' | 'stale' | 'live' | 'forbidden'
export type OlderStatus = 'idle' | 'loading' | 'failed'

export interface RoomListener {
  /** Somebody said something just now. */
  arrived(room: Room, message: Message): void
  /** An event has had its effect: just now, or with all others up to `head` because the log was filled anew. */
  applied(room: Room, event: wire.Event): void
  refilled(room: Room, head: number, renumbered: boolean): void
  renamed(user: wire.UserInfo): void
  /** The reader is no longer in the room; perhaps again by now. */
  ended(room: Room): void
}

const PAGE_SIZE = 50
const ENDS: readonly string[] = ['leave', 'kick', 'ban'] satisfies wire.MemberBody['op'][]

export class Room extends Observable implements StreamReader<wire.RoomCopy> {
  status: RoomStatus = 'loading'
  older: OlderStatus = 'idle'
  readonly log = new Log()
  readonly people: People
  readonly unread: Unread
  /** Who belongs to it, once that was asked for. */
  readonly roster = new Roster()
  /** The thread that is shown beside the room. */
  thread: Thread | null = null
  /** What is pinned, each by the event that pinned it. */
  #pins = new Map<number, number>()
  readonly #pages: Pages
  readonly #strays: Strays

  constructor(
    public info: wire.RoomInfo,
    private readonly me: string,
    connection: Pick<Connection, 'request'>,
    environment: Environment,
    private readonly listener: RoomListener,
  ) {
    super()
    this.people = new People(environment, () => this.changed())
    this.unread = new Unread(me)
    this.#pages = new Pages(connection)
    this.#strays = new Strays(info.id, this.#pages, this.#learn)
  }

  get id(): string {
    return this.info.id
  }

  /** What is pinned, the last first. */
  get pins(): number[] {
    return [...this.#pins].sort(([, one], [, other]) => other - one).map(([q]) => q)
  }

  learn(users: Record<string, wire.NameInfo>): void {
    this.people.learn(users)
  }

  apply(event: wire.Event): void {
    const body = bodyOf(event)
    if (body) this.#apply(event, body)
    this.listener.applied(this, event)
    if (body) this.changed()
  }

  reset(copy: wire.RoomCopy, head: number, renumbered: boolean): void {
    this.info = copy.room
    this.unread.copied(copy.me, head, copy.msgs)
    this.people.learn(copy.users)
    this.roster.forget()
    this.log.reset(copy.msgs, copy.more)
    this.#pins = new Map(copy.pins ?? [])
    for (const part of [this.#pages, this.#strays, this.thread]) part?.reset()
    this.older = 'idle'
    this.listener.refilled(this, head, renumbered)
    this.changed()
  }

  caughtUp(is: boolean): void {
    if (is) {
      this.status = 'live'
      this.#recount()
    } else if (this.status !== 'loading') this.status = 'stale'
    this.changed()
  }

  refused(): void {
    this.status = 'forbidden'
    this.changed()
  }

  /** What happened in the reader's own stream: the room is so, or so much of it was read. */
  describe(info: wire.RoomInfo): void {
    this.info = info
    this.changed()
  }

  /** The reader's own stream says how much was read at a time. */
  mark(marks: wire.Marks, ts: number): void {
    this.unread.marked(marks, ts)
    this.#recount()
    this.changed()
  }

  /** A copy of the own stream says so, which was made at that time or later. */
  fill(marks: wire.Marks, ts: number): void {
    this.unread.filled(marks, ts)
    this.#recount()
    this.changed()
  }

  mention(q: number): void {
    this.unread.mentioned(q)
    this.changed()
  }

  /** What is lossy: who is here, who types. */
  overhear(ephemeral: Pick<wire.Ephemeral, 'k' | 'd' | 'ttl'>): void {
    const said = overheardOf(ephemeral)
    if (said?.k === 'pres.state') this.people.arrive(said.d.users, said.d.count)
    else if (said?.k === 'pres') this.people.move(said.d)
    else if (said?.k === 'typing') this.#typing(said.d, ephemeral.ttl)
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
    this.#pages.ask<wire.HistOk>(
      { t: 'hist', s: this.id, before: first.q, limit: PAGE_SIZE },
      {
        page: (page, overtaken) => this.#older(page, overtaken, generation),
        none: ({ code }) => this.#olderFailed(code),
      },
    )
    this.changed()
  }

  /** A message, wherever it stands. */
  message(q: number): Stray | undefined {
    return this.log.find(q) ?? this.#strays.find(q)
  }

  /** Ask for a message that isn't here, so that it can be shown. */
  want(q: number): void {
    if (this.status === 'live' && !this.log.find(q)) this.#strays.want(q)
  }

  /** Ask for what is pinned and isn't here. */
  wantPins(): void {
    if (this.status !== 'live' || this.pins.every((q) => this.message(q) !== undefined)) return
    this.#pages.call(
      'msg.pinned',
      { s: this.id },
      {
        page: ({ msgs, users }, overtaken) => this.#strays.put(msgs, users, overtaken),
        none: () => this.changed(),
      },
    )
  }

  /** Follow a thread, and no other; or none. */
  openThread(root: number | null): void {
    if (this.thread?.root === root) return
    this.thread = root === null ? null : new Thread(root, this.id, this.#pages, this.#learn)
    this.changed()
  }

  /** Forget old messages that can be asked for again, so that a long day doesn't fill the page. */
  trim(keep: number): void {
    if (this.older !== 'loading' && this.log.trim(keep)) this.changed()
  }

  #arrive({ q, ts, by }: wire.Event, { n, text, re, th, files }: wire.PostedBody): void {
    const message: Message = {
      ...{ q, rev: q, base: q, ts, by, n, text },
      ...(re !== undefined && { re }),
      ...(th !== undefined && { th }),
      ...(files && { files }),
    }
    this.log.append(message)
    this.unread.posted(message)
    this.people.typing(by, false)
    this.listener.arrived(this, message)
  }

  readonly #learn = (users: Record<string, wire.NameInfo>): void => {
    this.people.learn(users)
    this.changed()
  }

  #apply(event: wire.Event, body: Body): void {
    this.#pages.note(event, body)
    if (body.k === 'msg.new') this.#arrive(event, body.d)
    else if (body.k === 'member') this.#member(body.d)
    else if (body.k === 'room') this.#become(body.d.room)
    else if (isChange(body)) this.#change(event, body)
    this.#strays.apply(event, body)
    this.thread?.apply(event, body)
  }

  /** What isn't said of it is as with most rooms; only what one is there oneself stays. */
  #become({ role: _, ...info }: wire.RoomInfo): void {
    const { role, history } = this.info
    if (history === 'joined' && info.history === undefined) this.log.more = this.log.first !== undefined
    this.info = { ...info, ...(role && { role }) }
  }

  #change(event: wire.Event, body: Change): void {
    if (body.k === 'pin' && body.d.on) this.#pins.set(body.d.m, event.q)
    else if (body.k === 'pin' || body.k === 'msg.del') this.#pins.delete(body.d.m)
    const before = this.log.find(body.d.m)
    if (before) this.unread.changing(before)
    this.log.change(event, body)
    if (body.k === 'msg.del') this.unread.deleted(event, body.d, before)
  }

  /** What isn't read is counted wherever all of it is here. */
  #recount(): void {
    if (this.status === 'live') this.unread.recount(this.log)
  }

  #member(body: wire.MemberBody): void {
    const { op, user, role } = body
    this.people.learnOne(user)
    this.roster.apply(body)
    this.info = follow(this.info, body, this.me)
    if (op === 'role' && user.id === this.me && role) this.info = { ...this.info, role }
    this.listener.renamed(user)
    if (user.id === this.me && ENDS.includes(op)) this.listener.ended(this)
  }

  #typing({ user, on }: wire.TypingInfo, ttl?: number): void {
    if (user.id === this.me) return
    this.people.learnOne(user)
    this.people.typing(user.id, on, ttl)
  }

  #older(page: wire.HistOk, overtaken: readonly Happened[], generation: number): void {
    this.older = 'idle'
    if (generation === this.log.generation) {
      this.people.learn(page.users)
      this.log.prepend(page.msgs, page.more)
      for (const [event, body] of overtaken) this.#fold(event, body)
    }
    this.changed()
  }

  /** Have an event's effect on a page that it overtook; on what it changed already it has none. */
  #fold(event: wire.Event, body: Body): void {
    if (body.k === 'msg.new') this.log.countReply(body.d.th, event.q)
    else if (isChange(body)) this.log.change(event, body)
  }

  #olderFailed(code: string): void {
    this.older = code === 'lost' ? 'idle' : 'failed'
    this.changed()
  }
}
