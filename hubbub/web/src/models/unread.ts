/*
 * How far the reader has read a room, and how much waits there.
 *
 * It knows what the server says of it now and then, and what follows from what is posted and deleted
 * between: whoever posts has read up to there.  Messages in threads don't count, for either.  The room and
 * the reader's own stream tell it independently, so that either may be ahead.
 *
 * 1. What was told up to a number or before a time isn't counted again, unless it was counted anew since.
 * 2. What the own stream tells of a time before that of which the room told changes nothing: a copy knows
 *    it, and posting is reading.
 */

import type * as wire from '../wire/frames.generated'
import type { Log, Message } from './log'

/** Where something happened: in the room, and in time. */
type Moment = Pick<wire.Event, 'q' | 'ts'>

export class Unread {
  marks: Readonly<wire.Marks> = { read: 0, unread: 0, mentions: 0 }
  /** Up to which event of the room, and before which time, what was told is counted. */
  #toldTo = 0
  #toldAt = 0
  /** When the own stream told it last. */
  #markedAt = 0
  /** The last message that the room's own account of what was read knows of. */
  #known: Moment = { q: 0, ts: 0 }
  /** Up to which message the mentions were told by the room. */
  #copiedTo = 0
  /** The messages that are known to speak of the reader, though no text is here that says so. */
  readonly #calls = new Set<number>()

  constructor(private readonly me: string) {}

  /** What a copy of the room says, which has these messages. */
  copied(marks: wire.Marks, head: number, messages: readonly Message[]): void {
    const later = [...this.#calls].filter((q) => q > head).length
    this.#tell({ ...marks, mentions: marks.mentions + later }, head, 0)
    this.#copiedTo = head
    this.#known = messages.at(-1) ?? { q: 0, ts: 0 }
  }

  /**
   * What the own stream says that happened at a time, when the room had come to `asof`: of several events
   * that were stored together, which have one time, only that says what is counted.
   */
  marked({ asof, ...marks }: wire.Marks, ts: number): void {
    if (ts < this.#known.ts && marks.read < this.#known.q) return
    this.#tell(marks, asof ?? 0, asof === undefined ? ts : 0)
    this.#markedAt = ts
    this.#copiedTo = 0
  }

  /** What a copy of the own stream says, which was made at that time or later. */
  filled({ asof, ...marks }: wire.Marks, ts: number): void {
    this.#calls.clear()
    this.#tell(marks, asof ?? 0, asof === undefined ? ts : 0)
    this.#markedAt = ts
    this.#copiedTo = 0
  }

  /** A message came. */
  posted(message: Message): void {
    const { q, by, th, n } = message
    if (n !== '') this.#calls.delete(q)
    if (th !== undefined) return
    if (by === this.me) this.#postedOwn(message)
    else if (n !== '' && q > this.marks.read && !this.#isTold(message)) this.#add({ unread: 1 })
  }

  /** Count anew, if the log goes back to what was read. */
  recount({ first, more, messages }: Log): void {
    const { read } = this.marks
    if (more && (!first || first.q > read + 1)) return
    const waiting = messages.filter(({ q, n, th, del }) => q > read && n !== '' && !th && del === undefined)
    this.#toldTo = this.#toldAt = 0
    this.marks = { ...this.marks, unread: waiting.length }
  }

  mentioned(q: number): void {
    if (q <= this.marks.read) return
    this.#calls.add(q)
    if (q > this.#copiedTo) this.#add({ mentions: 1 })
  }

  /** The text of a message that was so is about to go, and with it what says whom it speaks of. */
  changing({ q, text }: Message): void {
    if (q > this.marks.read && text.includes(`<@${this.me}>`)) this.#calls.add(q)
  }

  /** A message was deleted, which was so before, if it is here; it was in a thread or not. */
  deleted(event: wire.Event, { m, th }: wire.DeletedBody, before?: Message): void {
    const called = this.#calls.delete(m)
    if (m <= this.marks.read || before?.by === this.me) return
    const counted = before ? before.n !== '' || this.#isTold(before) : true
    const counts = (th ?? before?.th) === undefined && counted && before?.del === undefined
    if (counts && !this.#isTold(event)) this.#add({ unread: -1 })
    if (called && event.q > this.#copiedTo && event.ts >= this.#markedAt) this.#add({ mentions: -1 })
  }

  #postedOwn({ q, ts }: Moment): void {
    if (q <= this.marks.read || ts < this.#markedAt) return
    this.#known = { q, ts }
    for (const call of this.#calls) if (call <= q) this.#calls.delete(call)
    const { unread, mentions } = this.marks
    this.marks = {
      read: q,
      unread: q > this.#toldTo ? 0 : unread,
      mentions: q > this.#copiedTo ? this.#calls.size : mentions,
    }
  }

  /** Whether an event has its part in what the server counted. */
  #isTold({ q, ts }: Moment): boolean {
    return q <= this.#toldTo || ts < this.#toldAt
  }

  #tell({ read, unread, mentions }: wire.Marks, to: number, at: number): void {
    this.#toldTo = to
    this.#toldAt = at
    this.marks = { read, unread, mentions }
  }

  #add({ unread = 0, mentions = 0 }: Partial<wire.Marks>): void {
    const { marks } = this
    this.marks = {
      read: marks.read,
      unread: Math.max(0, marks.unread + unread),
      mentions: Math.max(0, marks.mentions + mentions),
    }
  }
}
