/*
 * Asks for pages of a room, which may have its messages as they were before
 * what happened while they were on their way.
 *
 * 1. Each question is answered once: by a page and everything that may have
 *    overtaken it, or by why there is none.
 * 2. A page that was asked for before the room was filled anew is lost: nobody
 *    knows what happened in between.
 */

import type { Body } from '../wire/bodies'
import type { Connection } from '../wire/connection'
import type * as wire from '../wire/frames.generated'
import type { Refusal, Request } from '../wire/requests'

export type Happened = readonly [event: wire.Event, body: Body]

export interface PageReply<T> {
  page(page: T, overtaken: readonly Happened[]): void
  none(why: Refusal): void
}

export class Pages {
  #asked = 0
  #generation = 0
  #happened: Happened[] = []

  constructor(private readonly connection: Pick<Connection, 'request'>) {}

  /** Whether any page is on its way. */
  get waiting(): boolean {
    return this.#asked > 0
  }

  ask<T extends wire.Ok>(request: Request, reply: PageReply<T>): void {
    this.#asked += 1
    const generation = this.#generation
    const from = this.#happened.length
    this.connection.request<T>(request, {
      ok: (page) => {
        const overtaken = this.#happened.slice(from)
        this.#answered()
        if (generation === this.#generation) reply.page(page, overtaken)
        else reply.none({ code: 'lost', retry: true })
      },
      err: (why) => {
        this.#answered()
        reply.none(why)
      },
    })
  }

  /** Ask what a method gives. */
  call<M extends keyof wire.Methods>(
    m: M,
    p: wire.Methods[M]['p'],
    reply: PageReply<wire.Methods[M]['r']>,
  ): void {
    this.ask<wire.CallOk>(
      { t: 'call', m, p: { ...p } },
      { ...reply, page: ({ r }, overtaken) => reply.page(r as wire.Methods[M]['r'], overtaken) },
    )
  }

  /** Something happened in the room. */
  note(...happened: Happened): void {
    if (this.waiting) this.#happened.push(happened)
  }

  /** The room was filled anew. */
  reset(): void {
    this.#generation += 1
  }

  #answered(): void {
    this.#asked -= 1
    if (!this.waiting) this.#happened = []
  }
}
