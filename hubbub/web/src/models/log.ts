/*
 * The part of a room's messages that is in memory, each as its last change left it.
 *
 * 1. Messages ascend by q, each q once, those in threads among the others.
 * 2. They are contiguous: no message of the room lies between two of them.
 * 3. A message is changed by an event after its `rev`, which is then that
 *    event's q (R7): what is older never changes it, wherever it comes from.
 * 4. `generation` changes when older messages leave, so that a page asked for
 *    before can't be put where it doesn't join.
 */

import type { Change } from '../wire/bodies'
import type * as wire from '../wire/frames.generated'

export type Message = Readonly<wire.MessageInfo>

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

  /** The messages outside of threads. */
  get timeline(): Message[] {
    return this.messages.filter(({ th }) => th === undefined)
  }

  /** Put a new message after the last; in a thread it counts there. */
  append(message: Message): void {
    if (message.q <= (this.last?.q ?? 0)) return
    this.messages.push(message)
    this.countReply(message.th, message.q)
  }

  /** One more message belongs to the thread of a root, or one less. */
  countReply(root: number | undefined, q: number, change = 1): void {
    const message = root === undefined ? undefined : this.find(root)
    if (message) this.#replace(counted(message, q, change))
  }

  /** Change a message, if it is here; returns it as it was before. */
  change(event: wire.Event, body: Change): Message | undefined {
    const message = this.find(body.d.m)
    if (!message) return undefined
    if (body.k === 'msg.del') {
      // One that was deleted before it came was never counted: nobody said where it belonged.
      this.countReply(body.d.th ?? message.th, event.q, message.n === '' ? 0 : -1)
    }
    this.#replace(applied(message, event, body))
    return message
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

  find(q: number): Message | undefined {
    return this.messages[this.#indexOf(q)]
  }

  /** The author's message with this nonce, if it is here. */
  findOwn(by: string, nonce: string): Message | undefined {
    return this.messages.findLast((message) => message.n === nonce && message.by === by)
  }

  #replace(message: Message): void {
    this.messages[this.#indexOf(message.q)] = message
  }

  /** Where a message is; -1 where it isn't. */
  #indexOf(q: number): number {
    let [low, high] = [0, this.messages.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.messages[middle]!.q < q) low = middle + 1
      else high = middle
    }
    return this.messages[low]?.q === q ? low : -1
  }
}

/** The message as an event leaves it, which may be older than what is here (R7). */
export function applied(message: Message, event: wire.Event, body: Change): Message {
  return event.q > message.rev ? { ...changed(message, event, body), rev: event.q } : message
}

/** The message with one more reply in its thread, or one less. */
export function counted(message: Message, q: number, change: number): Message {
  return q > message.rev ? { ...message, rc: Math.max(0, (message.rc ?? 0) + change), rev: q } : message
}

/** The message as an event changes it. */
export function changed(
  message: Message,
  { q, ts, by }: Pick<wire.Event, 'q' | 'ts' | 'by'>,
  { k, d }: Change,
): Message {
  if (k === 'msg.edit') return { ...message, text: d.text, base: q, ed: ts }
  if (k === 'react') return { ...message, rx: reacted(message.rx ?? {}, d, by) }
  const { pin: _, ...unpinned } = message
  if (k === 'pin') return d.on ? { ...message, pin: q } : unpinned
  const { files: _files, ...bare } = unpinned
  // Of one that was deleted before it came, only this says that it was in a thread.
  const th = d.th ?? message.th
  return { ...bare, ...(th !== undefined && { th }), text: '', rx: {}, del: ts }
}

function reacted(
  reactions: Readonly<Record<string, string[]>>,
  { e, on }: wire.ReactedBody,
  by: string,
): Record<string, string[]> {
  const { [e]: before = [], ...others } = reactions
  const users = before.filter((user) => user !== by)
  if (on) return { ...reactions, [e]: before.includes(by) ? before : [...before, by] }
  return users.length > 0 ? { ...reactions, [e]: users } : others
}
