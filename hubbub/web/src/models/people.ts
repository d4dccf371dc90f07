/*
 * Who is who in a room, who is here, and who types.
 *
 * Names come from many frames and may change: what was said last is right.
 * Presence and typing are lossy; typing ends by itself.
 */

import type { Environment } from '../wire/environment'
import type { NameInfo, PresenceInfo, UserInfo } from '../wire/frames.generated'

export type PresenceState = PresenceInfo['state']

export interface Person extends UserInfo {
  state: PresenceState
}

const TYPING_TTL = 6

export class People {
  #names = new Map<string, string>()
  #present = new Map<string, PresenceState>()
  #typing = new Map<string, () => void>()
  /** How many are here; in a large room more than are listed. */
  count = 0

  constructor(
    private readonly environment: Environment,
    private readonly changed: () => void,
  ) {}

  name(id: string): string | undefined {
    return this.#names.get(id)
  }

  learn(users: Record<string, NameInfo>): void {
    for (const [id, { name }] of Object.entries(users)) this.#names.set(id, name)
  }

  learnOne(user: UserInfo): void {
    this.#names.set(user.id, user.name)
  }

  /** Everyone who is here now, whoever was before. */
  arrive(present: PresenceInfo[], count: number): void {
    this.#present = new Map(present.map(({ id, state }) => [id, state]))
    for (const user of present) this.learnOne(user)
    this.count = Math.max(count, present.length)
  }

  /** One came, went or changed. */
  move({ id, name, state }: PresenceInfo): void {
    const was = this.#present.delete(id)
    this.#names.set(id, name)
    if (state !== 'off') this.#present.set(id, state)
    this.count += Number(state !== 'off') - Number(was)
  }

  typing(id: string, on: boolean, ttl = TYPING_TTL): void {
    this.#typing.get(id)?.()
    this.#typing.delete(id)
    if (!on) return
    const end = (): void => {
      this.#typing.delete(id)
      this.changed()
    }
    this.#typing.set(id, this.environment.after(ttl * 1000, end))
  }

  /** Nobody is known to type any more. */
  hush(): void {
    for (const cancel of this.#typing.values()) cancel()
    this.#typing.clear()
  }

  state(id: string): PresenceState {
    return this.#present.get(id) ?? 'off'
  }

  get here(): Person[] {
    return [...this.#present].map(([id, state]) => ({ id, name: this.#names.get(id) ?? '', state }))
  }

  /** Those whose names are known and who are not here. */
  get away(): Person[] {
    return [...this.#names]
      .filter(([id]) => !this.#present.has(id))
      .map(([id, name]) => ({ id, name, state: 'off' }))
  }

  get typists(): string[] {
    return [...this.#typing.keys()]
  }
}
