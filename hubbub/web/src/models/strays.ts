/*
 * Messages that are shown away from where they stand: those that others answer,
 * the roots of threads, and what is pinned.  Each is asked for once, and kept up
 * with what happens to it, as those of the log are (R7).
 */

import { isChange, type Body } from '../wire/bodies'
import type * as wire from '../wire/frames.generated'
import { applied, counted, type Message } from './log'
import type { Happened, Pages } from './pages'

/** `absent` is one that isn't there, or that one may not know of. */
export type Stray = Message | 'asked' | 'absent'

export class Strays {
  readonly #known = new Map<number, Stray>()

  constructor(
    private readonly stream: string,
    private readonly pages: Pages,
    private readonly learn: (users: Record<string, wire.NameInfo>) => void,
  ) {}

  find(q: number): Stray | undefined {
    return this.#known.get(q)
  }

  /** Ask for one that isn't known yet. */
  want(q: number): void {
    if (this.#known.has(q)) return
    this.#known.set(q, 'asked')
    this.pages.ask<wire.HistOk>(
      { t: 'hist', s: this.stream, around: q, limit: 1 },
      {
        page: ({ msgs, users }, overtaken) => {
          const [message] = msgs
          if (message?.q === q) this.put([message], users, overtaken)
          else this.#none(q, 'not_found')
        },
        none: ({ code }) => this.#none(q, code),
      },
    )
  }

  put(
    messages: readonly Message[],
    users: Record<string, wire.NameInfo>,
    overtaken: readonly Happened[],
  ): void {
    for (const message of messages) this.#known.set(message.q, message)
    for (const [event, body] of overtaken) this.apply(event, body)
    this.learn(users)
  }

  apply(event: wire.Event, body: Body): void {
    if (body.k === 'msg.new') this.#count(body.d.th, event.q, 1)
    else if (isChange(body)) {
      const before = this.#known.get(body.d.m)
      if (typeof before === 'object') this.#known.set(before.q, applied(before, event, body))
      if (body.k === 'msg.del') this.#count(body.d.th, event.q, -1)
    }
  }

  /** What is known may have changed unheard. */
  reset(): void {
    this.#known.clear()
  }

  #count(root: number | undefined, q: number, change: number): void {
    const message = root === undefined ? undefined : this.#known.get(root)
    if (typeof message === 'object') this.#known.set(message.q, counted(message, q, change))
  }

  #none(q: number, code: string): void {
    if (code !== 'lost') this.#known.set(q, 'absent')
    else if (this.#known.get(q) === 'asked') this.#known.delete(q)
    this.learn({})
  }
}
