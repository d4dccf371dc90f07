/*
 * What the reader keeps for all their devices, by key, and of whom they want
 * nothing.  What is kept here is shown at once, and taken back if the server
 * refuses it.
 */

import type * as wire from '../wire/frames.generated'
import type { Calls } from './calls'
import { Observable } from './observable'

export class Own extends Observable {
  #values = new Map<string, unknown>()
  #blocked = new Map<string, wire.UserInfo>()

  get(key: string): unknown {
    return this.#values.get(key)
  }

  /** Those of whom the reader wants nothing, in the order in which they said so. */
  get blocked(): wire.UserInfo[] {
    return [...this.#blocked.values()]
  }

  blocks(user: string): boolean {
    return this.#blocked.has(user)
  }

  /** All of it, as the server has it. */
  fill({ own = {}, blocked = [] }: Pick<wire.InboxCopy, 'own' | 'blocked'>): void {
    this.#values = new Map(Object.entries(own))
    this.#blocked = new Map(blocked.map((user) => [user.id, user]))
    this.changed()
  }

  /** One thing is kept, or no longer. */
  apply({ key, value }: wire.SetBody): void {
    if (value === undefined || value === null) this.#values.delete(key)
    else this.#values.set(key, value)
    this.changed()
  }

  block({ user, on }: wire.BlockBody): void {
    if (on) this.#blocked.set(user.id, user)
    else this.#blocked.delete(user.id)
    this.changed()
  }

  /** Keep something from now on, or nothing by this key; rejects with a CallError. */
  async keep(call: Calls['call'], key: string, value: unknown): Promise<void> {
    const before = this.#values.get(key)
    this.apply({ key, value })
    try {
      await call('me.set', { key, value })
    } catch (error) {
      // Unless something else is kept there by now.
      if (this.#values.get(key) === value) this.apply({ key, value: before })
      throw error
    }
  }
}
