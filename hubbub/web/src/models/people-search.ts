/*
 * People to talk to, by their names: those who were heard of in one's rooms at
 * once, and whom the server knows besides as soon as it has said so.
 */

import type { Environment } from '../wire/environment'
import type * as wire from '../wire/frames.generated'
import type { Calls } from './calls'
import { matching } from './matching'
import { Observable } from './observable'
import type { Room } from './room'

const PAUSE = 250
const MOST = 30

/** Everyone who was heard of in one's rooms, but oneself. */
export function knownPeople(rooms: readonly Room[], me: string): wire.UserInfo[] {
  const all = new Map<string, wire.UserInfo>()
  for (const { people, info } of rooms)
    for (const { id, name } of [...(info.users ?? []), ...people.here, ...people.away])
      all.set(id, { id, name })
  all.delete(me)
  return [...all.values()]
}

export class PeopleSearch extends Observable {
  failed = false
  #typed = ''
  #told: wire.UserInfo[] = []
  #calledOff = (): void => {}

  constructor(
    private readonly call: Calls['call'],
    private readonly environment: Pick<Environment, 'after'>,
  ) {
    super()
  }

  /** Ask the server of this name, once it is typed. */
  look(typed: string): void {
    this.#calledOff()
    this.#typed = typed.trim()
    if (this.#typed === '') this.#told = []
    else this.#calledOff = this.environment.after(PAUSE, () => void this.#ask(this.#typed))
    this.changed()
  }

  /** Those who match, the best first. */
  among(known: readonly wire.UserInfo[]): wire.UserInfo[] {
    const all = new Map([...known, ...this.#told].map((user) => [user.id, user]))
    return matching(this.#typed, [...all.values()], ({ name }) => name).slice(0, MOST)
  }

  async #ask(text: string): Promise<void> {
    try {
      const { users } = await this.call('user.search', { text })
      if (text === this.#typed) this.#told = users
      this.failed = false
    } catch {
      this.failed = true
    }
    this.changed()
  }
}
