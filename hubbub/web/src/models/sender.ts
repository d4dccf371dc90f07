/*
 * Empties the outbox into the connection.
 *
 * 1. A room's next entry is sent only after the one before was answered, so
 *    the author's order never depends on what happens in between.
 * 2. A lost or refused-for-now entry is sent again under its own nonce, before
 *    any later one; a refusal for good lets the later ones pass.
 * 3. Nothing is sent before `begin`: what earlier pages left comes first.
 * 4. A message is sent once all of its files are with the server.
 * 5. After an entry was refused for now the server lets none of its room pass;
 *    given up, it is named by `skip`, and the later ones go on (R2).
 */

import { backoff } from '../wire/backoff'
import type { Connection } from '../wire/connection'
import type { Environment } from '../wire/environment'
import type { SendOk } from '../wire/frames.generated'
import type { Refusal, Unnumbered, Write } from '../wire/requests'
import { isPost, type Entry, type Outbox, type Post } from './outbox'
import type { Uploads } from './uploads'

/** A frame may become so much longer by its number. */
const NUMBER_BYTES = 16

/** A room that waits: for an answer, or for the time to try again. */
interface Turn {
  nonce: string
  /** Ends the wait for the time to try again, if that is what it waits for. */
  cancel: (() => void) | null
}

export class Sender {
  #turns = new Map<string, Turn>()
  #failures = new Map<string, number>()
  #begun = false
  /** The most bytes that the server takes as one frame. */
  frameLimit = Infinity

  constructor(
    private readonly connection: Pick<Connection, 'request' | 'state'>,
    private readonly environment: Environment,
    private readonly outbox: Outbox,
    private readonly uploads: Uploads,
    private readonly confirmed: (entry: Entry, q: number, ts: number) => void,
  ) {}

  /** From now on entries are sent. */
  begin(): void {
    this.#begun = true
  }

  /** Send the room's next entry, if it is its turn. */
  pump(stream: string): void {
    if (!this.#begun || this.connection.state !== 'open' || this.#turns.has(stream)) return
    const entry = this.outbox.next(stream)
    if (!entry) return
    const turn: Turn = { nonce: entry.nonce, cancel: null }
    this.#turns.set(stream, turn)
    this.#send(turn, entry)
  }

  /** Give an entry up; returns false if the server may be doing it at this moment. */
  giveUp({ nonce, stream }: Entry): boolean {
    const turn = this.#turns.get(stream)
    const isTurn = turn?.nonce === nonce
    if (isTurn && !turn.cancel) return false
    this.outbox.remove(nonce)
    if (isTurn) {
      turn.cancel?.()
      this.connection.request({ t: 'skip', s: stream, n: nonce }, { ok: () => {}, err: () => {} })
      this.#end(turn, stream)
    }
    return true
  }

  #send(turn: Turn, entry: Entry): void {
    if (isPost(entry) && lacksFiles(entry)) return this.#upload(turn, entry)
    const request = requestOf(entry)
    turn.cancel = null
    if (bytesOf(request) + NUMBER_BYTES > this.frameLimit) {
      // The server would close the connection, and be sent it again on the next.
      return this.#err(turn, entry, { code: 'too_long', retry: false })
    }
    this.connection.request<SendOk>(request, {
      ok: ({ q, ts }) => this.#ok(turn, entry, q, ts),
      err: (refusal) => this.#err(turn, entry, refusal),
    })
  }

  /** Let the files of a message go ahead of it. */
  #upload(turn: Turn, entry: Post): void {
    // The server knows nothing of it yet.
    turn.cancel = () => {}
    const { nonce, stream, attached = [] } = entry
    const isTurn = (): boolean => this.#turns.get(stream) === turn
    Promise.all(attached.map((each) => this.uploads.wait(stream, each))).then(
      (files) => {
        if (!isTurn()) return
        this.outbox.uploaded(
          nonce,
          files.map(({ id }) => id),
        )
        this.#send(turn, entry)
      },
      (code: string) => {
        if (!isTurn()) return
        this.outbox.fail(nonce, code)
        this.#end(turn, stream)
      },
    )
  }

  /** The connection is gone: whatever waited will be sent on the next one. */
  lost(): void {
    for (const turn of this.#turns.values()) turn.cancel?.()
    this.#turns.clear()
    this.#failures.clear()
  }

  #ok(turn: Turn, entry: Entry, q: number, ts: number): void {
    this.confirmed(entry, q, ts)
    this.#failures.delete(entry.stream)
    this.#end(turn, entry.stream)
  }

  #err(turn: Turn, entry: Entry, refusal: Refusal): void {
    if (refusal.code === 'lost') return this.#end(turn, entry.stream)
    if (!refusal.retry) {
      this.outbox.fail(entry.nonce, refusal.code)
      return this.#end(turn, entry.stream)
    }
    const failures = (this.#failures.get(entry.stream) ?? 0) + 1
    this.#failures.set(entry.stream, failures)
    const wait = refusal.after ?? backoff(failures, this.environment.random)
    // The same one, even if an older one was taken over meanwhile: until it comes
    // again, the server lets no other pass.
    turn.cancel = this.environment.after(wait, () => this.#send(turn, entry))
  }

  #end(turn: Turn, stream: string): void {
    if (this.#turns.get(stream) !== turn) return
    this.#turns.delete(stream)
    this.pump(stream)
  }
}

function requestOf(entry: Entry): Unnumbered<Write> {
  const { nonce: n, stream: s } = entry
  switch (entry.t) {
    case 'send': {
      const { text, re, th, files } = entry
      return {
        t: 'send',
        s,
        n,
        d: {
          text,
          ...(re !== undefined && { re }),
          ...(th !== undefined && { th }),
          ...(files && { files }),
        },
      }
    }
    case 'edit': {
      const { m, text, base } = entry
      return { t: 'edit', s, n, m, d: { text }, ...(base !== undefined && { base }) }
    }
    case 'del':
      return { t: 'del', s, n, m: entry.m }
    case 'react':
      return { t: 'react', s, n, m: entry.m, e: entry.e, on: entry.on }
    case 'pin':
      return { t: 'pin', s, n, m: entry.m, on: entry.on }
  }
}

function lacksFiles({ attached = [], files }: Post): boolean {
  return attached.length > 0 && files === undefined
}

function bytesOf(request: object): number {
  return new TextEncoder().encode(JSON.stringify(request)).length
}
