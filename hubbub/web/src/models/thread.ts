/*
 * One thread, kept complete while it is shown: its last replies, and what
 * happens to them.
 */

import { isChange, type Body } from '../wire/bodies'
import type * as wire from '../wire/frames.generated'
import { Log } from './log'
import type { Happened, Pages } from './pages'

/** `absent`: there is no such message, or not for one. */
export type ThreadStatus = 'loading' | 'live' | 'failed' | 'absent'

const PAGE_SIZE = 50

export class Thread {
  status: ThreadStatus = 'loading'
  readonly log = new Log()
  #asking = false

  constructor(
    readonly root: number,
    private readonly stream: string,
    private readonly pages: Pages,
    private readonly learn: (users: Record<string, wire.NameInfo>) => void,
  ) {}

  /** Ask for the last replies, or after them for those before. */
  load(): void {
    if (this.#asking || (this.status === 'live' && !this.log.more)) return
    this.#asking = true
    const before = this.status === 'live' ? this.log.first?.q : undefined
    const place = { s: this.stream, q: this.root, limit: PAGE_SIZE }
    this.pages.call(
      'msg.thread',
      { ...place, ...(before !== undefined && { before }) },
      {
        page: (page, overtaken) => this.#fill(page, overtaken, before),
        none: ({ code }) => this.#none(code),
      },
    )
  }

  apply(event: wire.Event, body: Body): void {
    if (this.status !== 'live') return
    if (body.k === 'msg.new' && body.d.th === this.root) {
      const { q, ts, by } = event
      this.log.append({ q, rev: q, base: q, ts, by, ...body.d })
    } else if (isChange(body)) this.log.change(event, body)
  }

  /** The room was filled anew, and what is here may have changed unheard. */
  reset(): void {
    this.status = 'loading'
  }

  #fill(page: wire.MessagesResult, overtaken: readonly Happened[], before: number | undefined): void {
    this.#asking = false
    this.status = 'live'
    if (before === undefined) this.log.reset(page.msgs, page.more)
    else this.log.prepend(page.msgs, page.more)
    for (const [event, body] of overtaken) this.apply(event, body)
    this.learn(page.users)
  }

  #none(code: string): void {
    this.#asking = false
    if (code === 'not_found') this.status = 'absent'
    else if (code !== 'lost') this.status = 'failed'
    this.learn({})
  }
}
