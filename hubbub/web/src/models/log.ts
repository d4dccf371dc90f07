/*
 * The part of a room's messages that is in memory.
 *
 * 1. Messages ascend by q, each q once.
 * 2. They are contiguous: no message of the room lies between two of them.
 * 3. `generation` changes when older messages leave, so that a page asked for
 *    before can't be put where it doesn't join.
 */

import type { WireMessage } from '../wire/frames'

export type Message = Readonly<WireMessage>

export class Log {
  messages: Message[] = []
  /** Whether the server has older ones. */
  more = false
  generation = 0

  get first(): Message | undefined {
    return this.messages[0]
  }

  get last(): Message | undefined {
    return this.messages.at(-1)
  }

  append(message: Message): void {
    if (message.q > (this.last?.q ?? 0)) this.messages.push(message)
  }

  /** Put a page before the first message. */
  prepend(page: readonly Message[], more: boolean): void {
    const first = this.first?.q ?? Infinity
    this.messages.unshift(...page.filter((message) => message.q < first))
    this.more = more
  }

  reset(messages: readonly Message[], more: boolean): void {
    this.generation += 1
    this.messages = [...messages]
    this.more = more
  }

  /** Forget all but the newest; returns whether any went. */
  trim(keep: number): boolean {
    if (this.messages.length <= keep) return false
    this.generation += 1
    this.messages = this.messages.slice(-keep)
    this.more = true
    return true
  }

  /** The author's message with this nonce, if it is here. */
  find(by: string, nonce: string): Message | undefined {
    return this.messages.findLast((message) => message.n === nonce && message.by === by)
  }
}
