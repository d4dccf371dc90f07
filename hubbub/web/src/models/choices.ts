/*
 * What the reader wants of each of their rooms: kept by the server, and nobody
 * else's business.
 */

import type { Own } from './own'
import type { Room } from './room'

export type Level = 'all' | 'mentions' | 'none'

export const LEVELS: readonly Level[] = ['all', 'mentions', 'none']

export interface Choice {
  favourite: boolean
  /** What one wants to be told of. */
  level: Level
  /** The last event of the room when it was put out of sight; something newer brings it back. */
  hidden: number | null
}

export const keyOf = (room: string): string => `room.${room}`

/** What is kept of a room; what another program may have put there is as good as nothing. */
export function choiceOf(own: Own, room: string): Choice {
  const kept = own.get(keyOf(room))
  const said: Record<string, unknown> = typeof kept === 'object' && kept !== null ? { ...kept } : {}
  const level = LEVELS.find((each) => each === said['level']) ?? 'all'
  const hidden = typeof said['hidden'] === 'number' ? said['hidden'] : null
  return { favourite: said['favourite'] === true, level, hidden }
}

/** What is to be kept of a choice: as little as says it. */
export function kept({ favourite, level, hidden }: Choice): Record<string, unknown> | null {
  const said = {
    ...(favourite && { favourite }),
    ...(level !== 'all' && { level }),
    ...(hidden !== null && { hidden }),
  }
  return Object.keys(said).length > 0 ? said : null
}

/** How much of what waits in a room is to be shown loudly. */
export function loud(choice: Choice, room: Room): number {
  const { unread, mentions } = room.unread.marks
  if (choice.level === 'all') return unread
  return choice.level === 'mentions' ? mentions : 0
}
