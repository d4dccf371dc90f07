/* In which order rooms stand, and which is next to which. */

import type { Room } from './room'

/** The lobby first, the others by name. */
export function inOrder(rooms: readonly Room[], nameOf: (room: Room) => string, language: string): Room[] {
  const byName = new Intl.Collator(language, { numeric: true, sensitivity: 'base' })
  const isLobby = (room: Room): number => Number(room.info.name === 'lobby')
  return rooms.toSorted((one, other) => {
    return isLobby(other) - isLobby(one) || byName.compare(nameOf(one), nameOf(other))
  })
}

/** The first room that fits, `step` by `step` from the present one and around. */
export function neighbour(
  rooms: readonly Room[],
  present: string | undefined,
  step: 1 | -1,
  fits: (room: Room) => boolean = () => true,
): Room | undefined {
  const count = rooms.length
  const here = rooms.findIndex(({ id }) => id === present)
  const start = here < 0 && step < 0 ? 0 : here
  const order = rooms.map((_, distance) => rooms[(start + step * (distance + 1) + 2 * count) % count]!)
  return order.find((room) => room.id !== present && fits(room))
}
