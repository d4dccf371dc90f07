/*
 * The rooms that this page follows, each with the subscription that keeps it
 * complete: those that the reader belongs to, as far as the server has said.
 */

import type { Connection } from '../wire/connection'
import type { Environment } from '../wire/environment'
import type * as wire from '../wire/frames.generated'
import { Room, type RoomListener } from './room'
import { Subscription, type Cursor } from './subscription'

interface Followed {
  room: Room
  subscription: Subscription<wire.RoomCopy>
}

export class Rooms {
  readonly #followed = new Map<string, Followed>()

  constructor(
    private readonly me: string,
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

  subscription(id: string): Subscription<wire.RoomCopy> | undefined {
    return this.#followed.get(id)?.subscription
  }

  /** Follow a room from now on. */
  follow(info: wire.RoomInfo): Room {
    const { room, subscription } = this.#followed.get(info.id) ?? this.#add(info)
    room.describe(info)
    subscription.want()
    return room
  }

  /** Follow a room no longer; the server says nothing more of it by itself (R8). */
  drop(id: string): void {
    this.subscription(id)?.close()
    this.#followed.delete(id)
  }

  /** Follow exactly these. */
  fill({ rooms, marks }: wire.InboxCopy, ts: number): void {
    const kept = new Set(rooms.map(({ id }) => id))
    for (const id of [...this.#followed.keys()]) if (!kept.has(id)) this.drop(id)
    for (const info of rooms) {
      const room = this.follow(info)
      if (Object.hasOwn(marks, info.id)) room.fill(marks[info.id]!, ts)
    }
  }

  /** How far each room is known. */
  get cursors(): Record<string, Cursor> {
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

  #add(info: wire.RoomInfo): Followed {
    const room = new Room(info, this.me, this.connection, this.environment, this.listener)
    const subscription = new Subscription(info.id, this.connection, this.environment, room)
    const followed = { room, subscription }
    this.#followed.set(info.id, followed)
    return followed
  }
}
