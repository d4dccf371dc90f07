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
import type * as wire from '../wire/frames.generated'
import type { Refusal } from '../wire/requests'

/** Where a reader stands in a stream: the numbering it belongs to, and the last number it has. */
export type Cursor = NonNullable<wire.Sub['at']>

/** What a stream is made afresh from. */
export type Copy = wire.RoomCopy | wire.InboxCopy

export interface StreamReader<C extends Copy> {
  /** Who the events that follow are by. */
  learn(users: Record<string, wire.NameInfo>): void
  /** The next event. */
  apply(event: wire.Event): void
  /** Everything afresh, up to `head`; `renumbered` when older numbers mean nothing any more. */
  reset(copy: C, head: number, renumbered: boolean): void
  /** Nothing is missing as far as is known, or something is. */
  caughtUp(is: boolean): void
  /** The server won't let us read it. */
  refused(code: string): void
}

/** The answer to `sub`. */
type Subscribed<C> = wire.DeltaOk | (Omit<wire.RoomResetOk, 'snap'> & { snap: C })

/** A `sub` that waits for its answer, and what it asked from. */
interface Question {
  at: Cursor | null
}

export class Subscription<C extends Copy> {
  cursor: Cursor | null = null
  /** The numbering that anything was last given in. */
  #epoch: number | null = null
  #question: Question | null = null
  #wanted = true
  /** Whether what was asked before one was let in may be refused yet. */
  #letIn = false
  /** Whether the server sends what happens. */
  #live = false
  /** The highest number known to exist. */
  #seen = 0
  #failures = 0
  #resting = false
  #cancelRest = (): void => {}

  constructor(
    readonly stream: string,
    private readonly connection: Pick<Connection, 'request'>,
    private readonly environment: Environment,
    private readonly reader: StreamReader<C>,
  ) {}

  get last(): number {
    return this.cursor?.[1] ?? 0
  }

  get #behind(): boolean {
    return !this.#live || !this.cursor || this.#seen > this.last
  }

  /** Whether the numbers that are known mean nothing in this epoch. */
  renumbered(epoch: number): boolean {
    return this.#epoch !== null && this.#epoch !== epoch
  }

  /** Ask for everything after the cursor, if anything is missing and not asked for yet. */
  ask(): void {
    if (!this.#wanted || !this.#behind) return
    this.reader.caughtUp(false)
    if (this.#question || this.#resting) return
    const at = this.cursor
    const question = (this.#question = { at })
    this.connection.request<Subscribed<C>>(
      { t: 'sub', s: this.stream, ...(at && { at }) },
      {
        ok: (answer) => this.#question === question && this.#answered(answer, at),
        err: (refusal) => this.#question === question && this.#refused(refusal),
      },
    )
  }

  /** Read it from now on, even if what was asked before is refused yet. */
  want(): void {
    this.#letIn = this.#question !== null
    this.#wanted = true
    this.ask()
  }

  /** Read it no longer. */
  close(): void {
    this.#begin()
    this.#wanted = false
  }

  /** The server subscribes this stream by itself, and says where it is unless that is where we are. */
  follow(head: Cursor | undefined): void {
    if (this.cursor && (!head || head[0] === this.cursor[0])) {
      this.#live = true
      this.#seen = Math.max(this.#seen, head?.[1] ?? 0)
    }
    this.ask()
  }

  /** Apply an event, or find that some before it are missing (R4). */
  receive(event: wire.Event): void {
    if (!this.#wanted) return
    if (this.#live) this.#take(event)
    this.hear(event.q)
  }

  /** Learn how long the stream is: the proof that its last event wasn't lost. */
  hear(head: number): void {
    this.#seen = Math.max(this.#seen, head)
    this.ask()
  }

  /** The server stopped sending this stream; whoever learns it asks, when all is read that came with it. */
  lapse(): void {
    this.#live = false
  }

  /** The connection is gone. */
  lost(): void {
    this.#begin()
    if (this.#wanted) this.reader.caughtUp(false)
  }

  /** Start over, as on another connection. */
  #begin(): void {
    this.#cancelRest()
    this.#resting = this.#live = this.#letIn = false
    this.#question = null
  }

  #answered(answer: Subscribed<C>, asked: Cursor | null): void {
    this.#question = null
    const given = answer.mode === 'delta' ? this.#takeDelta(answer) : this.#takeReset(answer, asked)
    if (given) this.#failures = 0
    // What helped nothing would be said again at once, for ever.
    else if (this.#behind) this.#rest()
    if (this.#behind) this.ask()
    else this.reader.caughtUp(true)
  }

  /** Apply an event if it is the next; whether it was. */
  #take(event: wire.Event): boolean {
    if (!this.cursor || event.q !== this.last + 1) return false
    this.cursor = [this.cursor[0], event.q]
    this.reader.apply(event)
    return true
  }

  #takeDelta({ epoch, head, ev, users }: wire.DeltaOk): boolean {
    if (this.cursor?.[0] !== epoch) return this.#distrust()
    this.#live = true
    this.reader.learn(users)
    const given = ev.filter((event) => this.#take(event)).length > 0
    // R5: a delta is complete.  One that isn't can't be trusted to become so.
    if (this.last < head) this.#distrust()
    return given
  }

  #distrust(): false {
    this.#live = false
    this.cursor = null
    return false
  }

  #takeReset({ epoch, head, snap }: { epoch: number; head: number; snap: C }, asked: Cursor | null): boolean {
    this.#live = true
    const renumbered = this.renumbered(epoch)
    // Events came while it was made, and closed the gap that it was asked for.
    if (this.cursor && !renumbered && head < this.last && (asked?.[1] ?? 0) <= head) return false
    this.#seen = renumbered ? head : Math.max(this.#seen, head)
    this.#epoch = epoch
    this.cursor = [epoch, head]
    this.reader.reset(snap, head, renumbered)
    return true
  }

  #refused({ code, retry, after }: Refusal): void {
    this.#question = null
    if (code === 'lost') return
    if (retry) this.#rest(after)
    else if (!this.#letIn) return this.#giveUp(code)
    this.#letIn = false
    this.ask()
  }

  #giveUp(code: string): void {
    this.#wanted = this.#live = false
    this.reader.refused(code)
  }

  #rest(after?: number): void {
    this.#failures += 1
    this.#resting = true
    this.#cancelRest = this.environment.after(
      after ?? backoff(this.#failures, this.environment.random),
      () => {
        this.#resting = false
        this.ask()
      },
    )
  }
}
