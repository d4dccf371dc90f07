/*
 * What the reader keeps for all their devices, by key.  What is kept here is
 * shown at once, and taken back if the server refuses it.
 */

import type * as wire from '../wire/frames.generated'
import type { Calls } from './calls'
import { Observable } from './observable'

export class Own extends Observable {
  #values = new Map<string, unknown>()

  get(key: string): unknown {
    return this.#values.get(key)
  }

  /** All of it, as the server has it. */
  fill({ own = {} }: Pick<wire.InboxCopy, 'own'>): void {
    this.#values = new Map(Object.entries(own))
    this.changed()
  }

  /** One thing is kept, or no longer. */
  apply({ key, value }: wire.SetBody): void {
    if (value === undefined || value === null) this.#values.delete(key)
    else this.#values.set(key, value)
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
