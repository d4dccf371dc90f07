/*
 * One stream, kept complete.
 *
 * It knows numbers: which event comes next, and when to ask for what is
 * missing.  What an event means is the reader's business.
 *
 * 1. The reader gets every event of an epoch once, in order, or a reset (R4, R5).
 * 2. At most one `sub` of the stream waits for its answer.
 * 3. The cursor moves only together with what the reader was given.
 */

import { backoff } from '../wire/backoff'
import type { Connection } from '../wire/connection'
import type { Environment } from '../wire/environment'
import type { Cursor, EventFrame, Snapshot, Subscribed, Users } from '../wire/frames'
import type { Refusal } from '../wire/requests'

export interface StreamReader {
  /** Who the events that follow are by. */
  learn(users: Users): void
  /** The next event. */
  apply(event: EventFrame): void
  /** Everything afresh, up to `head`; `renumbered` when older numbers mean nothing any more. */
  reset(snapshot: Partial<Snapshot>, head: number, renumbered: boolean): void
  /** Nothing is missing as far as is known, or something is. */
  caughtUp(is: boolean): void
  /** The server won't let us read it. */
  refused(code: string): void
}

export class Subscription {
  cursor: Cursor | null = null
  #asking = false
  /** The highest number known to exist. */
  #seen = 0
  #failures = 0
  #cancelRetry = (): void => {}

  constructor(
    readonly stream: string,
    private readonly connection: Pick<Connection, 'request'>,
    private readonly environment: Environment,
    private readonly reader: StreamReader,
  ) {}

  get last(): number {
    return this.cursor?.[1] ?? 0
  }

  /** Ask for everything after the cursor, and for what comes from now on. */
  ask(): void {
    if (this.#asking) return
    this.#asking = true
    this.#cancelRetry()
    this.reader.caughtUp(false)
    const at = this.cursor
    this.connection.request<Subscribed>(
      { t: 'sub', s: this.stream, ...(at && { at }) },
      { ok: (answer) => this.#answered(answer), err: (refusal) => this.#refused(refusal) },
    )
  }

  /** The server subscribes this stream by itself, and says where it stands. */
  follow(head: Cursor | undefined): void {
    if (!this.cursor) this.cursor = head ?? null
    else if (head && (head[0] !== this.cursor[0] || head[1] > this.last)) this.ask()
  }

  /** Apply an event, or find that some before it are missing (R4). */
  receive(event: EventFrame): void {
    if (event.q <= this.last) return
    if (!this.cursor || event.q > this.last + 1) return this.hear(event.q)
    this.cursor = [this.cursor[0], event.q]
    this.reader.apply(event)
  }

  /** Learn how long the stream is: the proof that its last event wasn't lost. */
  hear(head: number): void {
    this.#seen = Math.max(this.#seen, head)
    if (this.#seen > this.last) this.ask()
  }

  /** The server stopped sending this stream. */
  gap(): void {
    this.ask()
  }

  /** The connection is gone. */
  lost(): void {
    this.#cancelRetry()
    this.#asking = false
    this.reader.caughtUp(false)
  }

  #answered(answer: Subscribed): void {
    this.#failures = 0
    if (answer.mode === 'reset') this.#reset(answer.epoch, answer.head, answer.snap)
    else this.#catchUp(answer.ev, answer.users ?? {})
    // R5: a delta is complete.  One that isn't can't be trusted to become so.
    if (this.last < answer.head) this.cursor = null
    const missing = this.last < Math.max(this.#seen, answer.head)
    this.#seen = this.last
    this.#asking = false
    if (missing) this.ask()
    else this.reader.caughtUp(true)
  }

  #catchUp(events: EventFrame[], users: Users): void {
    this.reader.learn(users)
    for (const event of events) this.receive(event)
  }

  #reset(epoch: number, head: number, snapshot: Partial<Snapshot>): void {
    const renumbered = this.cursor !== null && this.cursor[0] !== epoch
    this.cursor = [epoch, head]
    this.#seen = head
    this.reader.reset(snapshot, head, renumbered)
  }

  #refused(refusal: Refusal): void {
    this.#asking = false
    if (refusal.code === 'lost') return
    if (!refusal.retry) return this.reader.refused(refusal.code)
    this.#failures += 1
    const wait = refusal.after ?? backoff(this.#failures, this.environment.random)
    this.#cancelRetry = this.environment.after(wait, () => this.ask())
  }
}
