/* What a room is called: the lobby and one's notes have names in every language. */

import type { Words } from '../helpers/en'
import type { RoomInfo } from '../wire/frames.generated'

export function roomName({ name, kind }: RoomInfo, words: Words): string {
  if (kind === 'notes') return words.notes
  return name === 'lobby' ? words.lobby : name
}
