/*
 * One place where people talk, a room or a thread in it, as its views share it:
 * what is answered, edited or asked about, and what the reader does with a
 * message.
 */

import type { NameOf } from '../helpers/mentions'
import { mentionPieces, readable } from '../helpers/mentions'
import { changesByMessage } from '../models/foreseen'
import type { Entry, Outbox } from '../models/outbox'
import { permitted, type Deed } from '../models/permitted'
import type { Own } from '../models/own'
import { moderates } from '../models/rights'
import type { Roster } from '../models/roster'
import type { Room } from '../models/room'
import { pathOf } from '../models/router'
import { messageRow, type MessageRow } from '../models/rows'
import { isTalk } from '../models/sections'
import { closedBy, pins, type Closed } from '../models/standing'
import type { Sync } from '../models/sync'
import type { Place } from '../models/trays'
import { copied } from './clipboard'
import { language } from './language.svelte'
import { live } from './live.svelte'
import { toasts } from './ui/toasts.svelte'

/** What is asked or told about a message, over everything else. */
export interface Asked {
  about: 'delete' | 'edits' | 'reactors'
  row: MessageRow
}

/** Where a talk stands in the page. */
export interface Surroundings {
  openThread(root: number): void
  /** Show a message where it stands. */
  reveal(q: number): void
}

const LIT = 2000

export class Talk {
  answering = $state<number | null>(null)
  editing = $state<number | null>(null)
  asked = $state.raw<Asked | null>(null)
  /** The message that the reader was led to a moment ago. */
  lit = $state<number | null>(null)
  /** What was refused and is to be written anew. */
  returned = $state<string | null>(null)
  /** The composer has the focus again. */
  write = (): void => {}
  readonly #entered: { readonly now: Room }
  readonly #synced: { readonly now: Sync }
  readonly #outbox: { readonly now: Outbox }
  readonly #members: { readonly now: Roster }
  readonly #own: { readonly now: Own }
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(
    readonly sync: Sync,
    readonly room: Room,
    readonly around: Surroundings,
    readonly thread?: number,
  ) {
    this.#entered = live(room)
    this.#synced = live(sync)
    this.#outbox = live(sync.outbox)
    this.#members = live(room.roster)
    this.#own = live(sync.own)
  }

  readonly nameOf: NameOf = (id) => {
    const { me } = this.#synced.now
    return (id === me.id ? me.name : this.#named(id)) ?? language.words.someone
  }

  /** Where what is written goes. */
  get place(): Place {
    return { room: this.room.id, thread: this.thread }
  }

  /** Ask who is here, where it isn't known who is spoken of. */
  learn(texts: readonly string[]): void {
    const spoken = texts.flatMap(mentionPieces).flatMap((piece) => ('user' in piece ? piece.user : []))
    if (spoken.some((id) => id !== this.sync.me.id && this.#named(id) === undefined)) this.wantMembers()
  }

  wantMembers(): void {
    const { room, sync } = this
    if (room.status !== 'live' || this.#members.now.status !== 'none') return
    void room.roster.load((method, params) => sync.call(method, params), room.id)
  }

  #named(id: string): string | undefined {
    const known = this.#entered.now.people.name(id)
    return known ?? this.#members.now.all.find((member) => member.id === id)?.name
  }

  /** Why one may not write here. */
  get closed(): Closed | null {
    const { info } = this.#entered.now
    const own = this.#own.now
    return closedBy(info, this.sync.me.id, (id) => own.blocks(id), this.thread !== undefined)
  }

  /** Whether it comes from somebody of whom the reader wants nothing, in a place that is not theirs alone. */
  folded(row: MessageRow): boolean {
    return !row.own && this.#own.now.blocks(row.by) && this.#entered.now.info.kind !== 'direct'
  }

  permitted(row: MessageRow): Deed[] {
    const { info } = this.#entered.now
    const closed = this.closed
    return permitted(row, {
      moderates: moderates(info.role) && !isTalk(info),
      pins: pins(info),
      closed: closed !== null && closed !== 'announcements',
      speaks: closed === null,
      threaded: this.thread !== undefined,
    })
  }

  /** Do it, if it may be done. */
  do(deed: Deed, row: MessageRow): void {
    const { q } = row
    if (q === undefined || !this.permitted(row).includes(deed)) return
    if (deed === 'reply') this.answer(q)
    else if (deed === 'edit') this.edit(q)
    else if (deed === 'thread') this.around.openThread(q)
    else if (deed === 'pin' || deed === 'unpin') this.sync.pin(this.room.id, q, deed === 'pin')
    else if (deed === 'copy') void this.#copy(readable(row.text, this.nameOf))
    else if (deed === 'link') void this.#copy(location.origin + pathOf({ room: this.room.id, message: q }))
    else if (deed !== 'react') this.asked = { about: deed, row }
  }

  react({ q, reactions = [] }: MessageRow, emoji: string): void {
    if (q === undefined) return
    const mine = reactions.some((reaction) => reaction.emoji === emoji && reaction.own)
    this.sync.react(this.room.id, q, emoji, !mine)
  }

  answer(q: number): void {
    this.editing = null
    this.answering = q
    this.write()
  }

  edit(q: number): void {
    this.answering = null
    this.editing = q
    this.write()
  }

  /** Say it here: an answer, a reply in the thread, or another text. */
  say(text: string): void {
    const { answering: re, editing, thread: th, room } = this
    if (editing !== null) this.sync.edit(room.id, editing, text)
    else {
      const place = { ...(re !== null && { re }), ...(th !== undefined && { th }) }
      this.sync.say(room.id, text, place, this.sync.trays.empty(this.place))
    }
    this.answering = this.editing = null
  }

  /** Take back what was neither sent nor done, to write it anew. */
  rewrite(entry: Entry): void {
    if (!('text' in entry) || !this.sync.giveUp(entry)) return
    if (entry.t === 'edit') this.edit(entry.m)
    else {
      this.answering = entry.re ?? null
      this.sync.trays.restore(this.place, entry.attached ?? [])
    }
    this.returned = entry.text
    this.write()
  }

  /** A message as it will be, wherever it stands; null until it is here. */
  row(q: number): MessageRow | 'absent' | null {
    const known = this.#entered.now.message(q)
    if (known === 'absent') return known
    if (typeof known !== 'object') return null
    const changes = changesByMessage(this.#outbox.now.of(this.room.id)).get(q) ?? []
    return messageRow(known, changes, this.sync.me.id)
  }

  /** Give up what was begun last; returns whether anything was. */
  retreat(): boolean {
    const begun = this.editing !== null || this.answering !== null
    this.editing = this.answering = null
    return begun
  }

  light(q: number): void {
    clearTimeout(this.#timer)
    this.lit = q
    this.#timer = setTimeout(() => (this.lit = null), LIT)
  }

  async #copy(text: string): Promise<void> {
    const { words } = language
    const done = await copied(text)
    toasts.show(done ? { text: words.copied } : { text: words.copyFailed, problem: true })
  }
}
