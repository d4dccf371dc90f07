/*
 * The requests that wait for their answer.
 *
 * 1. Every request is answered exactly once: by the server, or by `abandon`
 *    when the connection that carried it is gone.
 * 2. Numbers are never used twice on one connection.
 */

import type * as wire from './frames.generated'

/** What is stored as an event. */
export type Write = wire.Send | wire.Edit | wire.Delete | wire.React | wire.Pin
type Numbered = wire.Sub | Write | wire.Skip | wire.Hist | wire.Call
export type Unnumbered<T> = T extends unknown ? Omit<T, 'id'> : never

/** What is answered with `ok` or `err`; the connection numbers it. */
export type Request = Unnumbered<Numbered>

/** Why a request has no answer: refused by the server, or its connection is gone (`lost`). */
export interface Refusal {
  code: string
  retry: boolean
  /** Milliseconds to wait before trying again, when the server said so. */
  after?: number
}

export interface Reply<T extends wire.Ok> {
  ok(frame: T): void
  err(refusal: Refusal): void
}

interface Waiting {
  since: number
  reply: Reply<wire.Ok>
}

export class Requests {
  #last = 0
  #waiting = new Map<number, Waiting>()

  add<T extends wire.Ok>(reply: Reply<T>, since: number): number {
    this.#last += 1
    this.#waiting.set(this.#last, { since, reply: reply as unknown as Reply<wire.Ok> })
    return this.#last
  }

  /** Hand an answer to who asked; an answer nobody waits for is dropped. */
  settle(frame: wire.Ok | wire.Err): void {
    if (frame.id === undefined) return
    const waiting = this.#waiting.get(frame.id)
    if (!waiting) return
    this.#waiting.delete(frame.id)
    if (frame.t === 'ok') waiting.reply.ok(frame)
    else waiting.reply.err(frame)
  }

  /** Tell everyone who waits that the connection is gone. */
  abandon(): void {
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const { reply } of waiting) reply.err({ code: 'lost', retry: true })
  }

  /** When the oldest unanswered request was made; undefined when none waits. */
  get oldest(): number | undefined {
    return this.#waiting.values().next().value?.since
  }
}
