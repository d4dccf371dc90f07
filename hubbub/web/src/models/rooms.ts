/*
 * The rooms that this page follows, each with the subscription that keeps it
 * complete.  A room is followed until the page is closed.
 */

import type { Connection } from '../wire/connection'
import type { Environment } from '../wire/environment'
import type { Cursors, RoomInfo } from '../wire/frames'
import { Room, type RoomListener } from './room'
import { Subscription } from './subscription'

interface Followed {
  room: Room
  subscription: Subscription
}

export class Rooms {
  readonly #followed = new Map<string, Followed>()

  constructor(
    private readonly connection: Connection,
    private readonly environment: Environment,
    private readonly listener: RoomListener,
  ) {}

  get all(): Room[] {
    return [...this.#followed.values()].map(({ room }) => room)
  }

  room(id: string): Room | undefined {
    return this.#followed.get(id)?.room
  }

  subscription(id: string): Subscription | undefined {
    return this.#followed.get(id)?.subscription
  }

  /** Follow a room from now on, if it isn't followed yet; returns whether it wasn't. */
  follow(info: RoomInfo): boolean {
    if (this.#followed.has(info.id)) return false
    const room = new Room(info, this.connection, this.environment, this.listener)
    const subscription = new Subscription(info.id, this.connection, this.environment, room)
    this.#followed.set(info.id, { room, subscription })
    return true
  }

  /** How far each room is known. */
  get cursors(): Cursors {
    const known = [...this.#followed].flatMap(([id, { subscription }]) =>
      subscription.cursor ? [[id, subscription.cursor] as const] : [],
    )
    return Object.fromEntries(known)
  }

  /** On a new connection: ask for what each room has had since. */
  ask(): void {
    for (const { subscription } of this.#followed.values()) subscription.ask()
  }

  /** The connection is gone. */
  lost(): void {
    for (const { room, subscription } of this.#followed.values()) {
      subscription.lost()
      room.lost()
    }
  }
}
