/* Going to where one talks to certain people. */

import { choiceOf } from '../../models/choices'
import type { Sync } from '../../models/sync'
import { enter } from '../entering'

/** So many others may be in one talk. */
export const MOST_OTHERS = 8

/** Open the talk with these, or one's notes; it is in sight again, if it was hidden. */
export async function talkTo(sync: Sync, users: readonly { id: string }[]): Promise<void> {
  const { room } = await sync.call('dm.open', { users: users.map(({ id }) => id) })
  if (choiceOf(sync.own, room.id).hidden !== null) await sync.choose(room.id, { hidden: null })
  await enter(sync, room.id)
}
