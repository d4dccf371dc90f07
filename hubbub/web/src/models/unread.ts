/*
 * How far the reader has read a room, and how much waits there.
 *
 * The server tells it now and then; between, it follows from what is posted
 * and deleted: whoever posts has read up to there.  Messages in threads don't
 * count, for either.
 */

import type * as wire from '../wire/frames.generated'
import type { Log, Message } from './log'

export class Unread {
  marks: Readonly<wire.Marks> = { read: 0, unread: 0, mentions: 0 }

  constructor(private readonly me: string) {}

  posted({ q, by, th }: Message): void {
    if (th !== undefined || q <= this.marks.read) return
    if (by === this.me) this.marks = { read: q, unread: 0, mentions: 0 }
    else this.#add({ unread: 1 })
  }

  /**
   * Count anew, if the log goes back to what was read: what was told of the room while the page was behind
   * may have counted messages that came after it.
   */
  recount({ first, more, messages }: Log): void {
    const { read } = this.marks
    if (more && (!first || first.q > read + 1)) return
    const waiting = messages.filter(({ q, th, del }) => q > read && th === undefined && del === undefined)
    this.marks = { ...this.marks, unread: waiting.length }
  }

  mentioned(q: number): void {
    if (q > this.marks.read) this.#add({ mentions: 1 })
  }

  /** A message was deleted, which was so before. */
  deleted({ q, by, th, text }: Message): void {
    if (q <= this.marks.read || by === this.me) return
    this.#add({
      unread: th === undefined ? -1 : 0,
      mentions: text.includes(`<@${this.me}>`) ? -1 : 0,
    })
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
