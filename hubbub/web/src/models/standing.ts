/* What one may write in a room as it is, so that nothing else is offered.  The server decides. */

import type * as wire from '../wire/frames.generated'
import { moderates } from './rights'
import { isTalk, otherIn } from './sections'

export type Closed = 'archived' | 'blocked' | 'announcements'

/** Why one may not write there; in a thread one may answer what is announced. */
export function closedBy(
  info: wire.RoomInfo,
  me: string,
  blocks: (user: string) => boolean,
  threaded = false,
): Closed | null {
  if (info.archived !== undefined) return 'archived'
  const other = otherIn(info, me)
  if (other && blocks(other.id)) return 'blocked'
  return info.posting === 'moderators' && !threaded && !moderates(info.role) ? 'announcements' : null
}

/** Whether one may pin: in a talk everybody. */
export function pins(info: wire.RoomInfo): boolean {
  return isTalk(info) || moderates(info.role)
}
