/*
 * Which rooms the list has, and under which heading: what is a favourite
 * first, then rooms, then talks with people.
 */

import type * as wire from '../wire/frames.generated'
import type { Choice } from './choices'
import type { Room } from './room'

export interface Sections {
  favourites: Room[]
  rooms: Room[]
  people: Room[]
}

/** Whether it is a talk of certain people, and no room with a name. */
export function isTalk({ kind }: Pick<wire.RoomInfo, 'kind'>): boolean {
  return kind === 'direct' || kind === 'group' || kind === 'notes'
}

/** The other one in a talk of two. */
export function otherIn({ kind, users }: wire.RoomInfo, me: string): wire.UserInfo | undefined {
  return kind === 'direct' ? users?.find(({ id }) => id !== me) : undefined
}

/** Who is in the talk, before this happened and after; what is called after its people is called so anew. */
export function follow(info: wire.RoomInfo, { op, user }: wire.MemberBody, me: string): wire.RoomInfo {
  if (!info.users) return info
  const rest = info.users.map((each) => (each.id === user.id ? { ...each, name: user.name } : each))
  const gone = op === 'leave' || op === 'kick' || op === 'ban'
  const isNew = op === 'join' && !rest.some(({ id }) => id === user.id)
  const users = gone ? rest.filter(({ id }) => id !== user.id) : isNew ? [...rest, user] : rest
  const others = users.filter(({ id }) => id !== me)
  const name = (others.length > 0 ? others : users).map(({ name }) => name).join(', ')
  return { ...info, users, name }
}

/** What is in the list, each part in the order given; the room that is open always is. */
export function sections(
  rooms: readonly Room[],
  choice: (room: Room) => Choice,
  open: string | undefined,
): Sections {
  const shown = rooms.filter((room) => room.id === open || isShown(room, choice(room)))
  const isFavourite = (room: Room): boolean => choice(room).favourite
  const rest = shown.filter((room) => !isFavourite(room))
  return {
    favourites: shown.filter(isFavourite),
    rooms: rest.filter(({ info }) => !isTalk(info)),
    people: rest.filter(({ info }) => isTalk(info)),
  }
}

/** A talk is there once something was said, and while it isn't hidden; an archived room isn't. */
function isShown({ info, log }: Room, { favourite, hidden }: Choice): boolean {
  if (info.archived !== undefined) return false
  if (!isTalk(info)) return true
  const last = log.last?.q ?? 0
  return hidden === null ? favourite || last > 0 : last > hidden
}
