/* Going to a room that one has just come into: shown once the page follows it. */

import type { Sync } from '../models/sync'
import { router } from './router'

/** By then the answer was overtaken by what happened since: whatever the room is now is shown. */
const PATIENCE = 5000

export function enter(sync: Sync, room: string): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      stop()
      clearTimeout(timer)
      router.go({ room })
      resolve()
    }
    const stop = sync.observe(() => sync.room(room) && go())
    const timer = setTimeout(go, PATIENCE)
    if (sync.room(room)) go()
  })
}
