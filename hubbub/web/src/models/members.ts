/*
 * Who belongs to a room, for whoever wants to speak of them: asked for when
 * first wanted, and kept up with who comes and goes.
 */

import type * as wire from '../wire/frames.generated'
import type { Happened, Pages } from './pages'

/** A room with more is searched by those that are known of it. */
const MOST = 2000

export class Members {
  readonly #known = new Map<string, wire.MemberInfo>()
  #wanted = false
  #asking = false

  constructor(
    private readonly stream: string,
    private readonly pages: Pages,
    private readonly learn: (users: Record<string, wire.NameInfo>) => void,
  ) {}

  get all(): wire.MemberInfo[] {
    return [...this.#known.values()]
  }

  /** Ask for them all, unless that was done. */
  want(): void {
    if (this.#wanted) return
    this.#wanted = true
    this.#ask()
  }

  apply({ op, user, role = 'member' }: wire.MemberBody): void {
    if (op === 'leave' || op === 'kick' || op === 'ban') this.#known.delete(user.id)
    else if (op !== 'unban') {
      const before = this.#known.get(user.id)
      this.#known.set(user.id, { ...user, role: op === 'role' || !before ? role : before.role })
    }
  }

  reset(): void {
    this.#known.clear()
    this.#wanted = false
  }

  #ask(after?: string): void {
    if (this.#asking) return
    this.#asking = true
    this.pages.call(
      'member.list',
      { s: this.stream, ...(after !== undefined && { after }) },
      {
        page: (page, overtaken) => this.#fill(page, overtaken),
        none: () => {
          this.#asking = this.#wanted = false
        },
      },
    )
  }

  #fill({ members, next }: wire.MembersResult, overtaken: readonly Happened[]): void {
    this.#asking = false
    for (const member of members) this.#known.set(member.id, member)
    for (const [, body] of overtaken) if (body.k === 'member') this.apply(body.d)
    this.learn(Object.fromEntries(members.map(({ id, name }) => [id, { name }])))
    if (next !== undefined && this.#known.size < MOST) this.#ask(next)
  }
}
