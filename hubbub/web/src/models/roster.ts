/*
 * Who belongs to a room, and as what: asked for when somebody wants to see it,
 * and from then on kept by what happens there.
 */

import type * as wire from '../wire/frames.generated'
import type { Calls } from './calls'
import { Observable } from './observable'
import type { Role } from './rights'

export type RosterStatus = 'none' | 'loading' | 'ready' | 'failed'

export class Roster extends Observable {
  status: RosterStatus = 'none'
  readonly #roles = new Map<string, wire.MemberInfo>()
  /** Who came, went or changed while pages were on their way, which may be older. */
  readonly #fresher = new Set<string>()
  #generation = 0

  get all(): wire.MemberInfo[] {
    return [...this.#roles.values()]
  }

  get size(): number {
    return this.#roles.size
  }

  role(id: string): Role | undefined {
    return this.#roles.get(id)?.role
  }

  /** Ask for all of it, page by page; does nothing while that goes on, or once it is here. */
  async load(call: Calls['call'], room: string): Promise<void> {
    if (this.status === 'loading' || this.status === 'ready') return
    const generation = (this.#generation += 1)
    this.#fresher.clear()
    this.#become('loading')
    try {
      let after: string | undefined = ''
      while (after !== undefined) {
        const page: wire.MembersResult = await call('member.list', { s: room, after })
        if (generation !== this.#generation) return
        for (const member of page.members) this.#learn(member)
        after = page.next
      }
      this.#become('ready')
    } catch {
      if (generation === this.#generation) this.#become('failed')
    }
  }

  /** Something happened to a member. */
  apply({ op, user, role }: wire.MemberBody): void {
    if (this.status === 'none') return
    this.#fresher.add(user.id)
    if (op === 'leave' || op === 'kick' || op === 'ban') this.#roles.delete(user.id)
    else if (op !== 'unban') this.#change(user, role, op)
    this.changed()
  }

  /** What is known may be wrong: whoever wants to see it asks again. */
  forget(): void {
    this.#generation += 1
    this.#roles.clear()
    this.#become('none')
  }

  #change(user: wire.UserInfo, role: Role | undefined, op: string): void {
    const known = this.#roles.get(user.id)
    if (!known && op !== 'join' && op !== 'role') {
      // Of a rename the page that has the role is still on its way.
      this.#fresher.delete(user.id)
      return
    }
    this.#roles.set(user.id, { ...user, role: role ?? known?.role ?? 'member' })
  }

  #learn(member: wire.MemberInfo): void {
    if (!this.#fresher.has(member.id)) this.#roles.set(member.id, member)
  }

  #become(status: RosterStatus): void {
    this.status = status
    this.changed()
  }
}
