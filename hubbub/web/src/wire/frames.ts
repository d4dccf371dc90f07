/*
 * The frames of `hubbub.v1` as this page uses them, and the one function that
 * reads them.
 *
 * Their shapes are those of `frames.generated`; what a frame means is said in
 * the models.  Unknown fields are ignored; a frame of an unknown type is handed
 * over as it is, for the reader to pass by.
 */

import type * as wire from './frames.generated'

export { SUBPROTOCOL } from './frames.generated'
export type {
  Bye as ByeFrame,
  Draft as Body,
  Ephemeral as EphemeralFrame,
  Err as ErrorFrame,
  Event as EventFrame,
  HistOk as Page,
  MeInfo as Me,
  MessageInfo as WireMessage,
  Ok as OkFrame,
  Ping as PingFrame,
  PresenceInfo as Present,
  SendOk as Sent,
  UserInfo as User,
  Welcome as WelcomeFrame,
} from './frames.generated'

/** Where a reader stands in a stream: the numbering it belongs to, and the last number it has. */
export type Cursor = readonly [epoch: number, q: number]
export type Cursors = Record<string, Cursor>

export type Users = Record<string, wire.NameInfo>
export type PresenceState = wire.PresenceInfo['state']

/** A room, of which its id alone may be known so far. */
export type RoomInfo = Pick<wire.RoomInfo, 'id' | 'name'> & Partial<wire.RoomInfo>

/** The copy of a room; that of the user's own stream has none of it. */
export type Snapshot = Omit<wire.RoomCopy, 'room'> & { room: RoomInfo }

/** The answer to `sub`: everything since the cursor, or everything afresh. */
export type Subscribed = wire.DeltaOk | (Omit<wire.RoomResetOk, 'snap'> & { snap: Partial<Snapshot> })

export type ServerFrame =
  | wire.Welcome
  | wire.Ok
  | wire.Err
  | wire.Event
  | wire.Ephemeral
  | wire.Gap
  | wire.Ping
  | wire.Pong
  | wire.Bye

export type Hello = wire.Hello & { at: Cursors }

type Unnumbered<T> = T extends unknown ? Omit<T, 'id'> : never
type Numbered = wire.Sub | wire.Unsub | wire.Send | (wire.Hist & { before: number; limit: number })

/** What is answered with `ok` or `err`; the connection numbers it. */
export type Request = Unnumbered<Numbered>

/** What is not answered. */
export type Notice = wire.Typing | wire.Pres | wire.ClientPing | wire.Pong

export type ClientFrame = Hello | (Request & { id: number }) | Notice

/** Read one text frame; null when it isn't an object with a type. */
export function parseFrame(text: string): ServerFrame | null {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && 't' in value && typeof value.t === 'string') {
      return value as ServerFrame
    }
  } catch {
    return null
  }
  return null
}
