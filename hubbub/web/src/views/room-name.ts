/* What a room is called: the lobby has a name in every language until somebody gives it another. */

import type { Words } from '../helpers/en'
import type { RoomInfo } from '../wire/frames.generated'

export function roomName({ name }: RoomInfo, words: Words): string {
  return name === 'lobby' ? words.lobby : name
}
