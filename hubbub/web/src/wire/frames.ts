/*
 * The frames of `hubbub.v1`, as types, and the one function that reads them.
 *
 * It knows their shapes only.  What a frame means is said in the models.
 * Unknown fields are ignored; a frame of an unknown type is handed over as it
 * is, for the reader to pass by.
 */

export const SUBPROTOCOL = 'hubbub.v1'

/** Where a reader stands in a stream: the numbering it belongs to, and the last number it has. */
export type Cursor = readonly [epoch: number, q: number]
export type Cursors = Record<string, Cursor>

export interface User {
  id: string
  name: string
}

export interface Me extends User {
  kind: string
}

export interface RoomInfo {
  id: string
  name: string
  topic?: string
}

/** A message is (stream, q of the event that made it). */
export interface WireMessage {
  q: number
  rev: number
  ts: number
  by: string
  n: string
  text: string
  re?: number
}

export interface Body {
  text: string
  re?: number
}

export type Users = Record<string, { name: string }>

export interface Snapshot {
  room: RoomInfo
  msgs: WireMessage[]
  /** Whether there are older ones. */
  more: boolean
  users: Users
}

export interface Limits {
  frame: number
  text: number
  requests: number
}

export type PresenceState = 'on' | 'idle' | 'dnd' | 'off'

export interface Present extends User {
  state: PresenceState
}

export interface WelcomeFrame {
  t: 'welcome'
  me: Me
  now: number
  hb: number
  limits: Partial<Limits>
  heads: Cursors
}

export interface EventFrame {
  t: 'ev'
  s: string
  q: number
  k: string
  ts: number
  by: string
  d: Record<string, unknown>
}

export interface OkFrame {
  t: 'ok'
  id: number
}

/** The answer to `sub`: everything since the cursor, or everything afresh. */
export type Subscribed = OkFrame & { epoch: number; head: number } & (
    { mode: 'delta'; ev: EventFrame[]; users?: Users } | { mode: 'reset'; snap: Partial<Snapshot> }
  )

/** The answer to `send`: committed, under this number. */
export interface Sent extends OkFrame {
  q: number
  ts: number
  dup?: boolean
}

/** The answer to `hist`. */
export interface Page extends OkFrame {
  msgs: WireMessage[]
  more: boolean
  users: Users
}

export interface ErrorFrame {
  t: 'err'
  id?: number
  code: string
  msg: string
  retry: boolean
  after?: number
}

export interface EphemeralFrame {
  t: 'eph'
  s?: string
  k: string
  d: Record<string, unknown>
  ttl?: number
}

export interface GapFrame {
  t: 'gap'
  s: string
  head: number
}

export interface PingFrame {
  t: 'ping'
  heads?: Record<string, number>
}

export interface ByeFrame {
  t: 'bye'
  code: number
  why: string
  retry: 'resume' | 'reauth' | 'never'
  after?: number
}

export type ServerFrame =
  | WelcomeFrame
  | OkFrame
  | ErrorFrame
  | EventFrame
  | EphemeralFrame
  | GapFrame
  | PingFrame
  | ByeFrame
  | { t: 'pong' }

export interface Hello {
  t: 'hello'
  client: { name: string; ver: string; device?: string }
  feat: string[]
  at: Cursors
}

/** What is answered with `ok` or `err`; the connection numbers it. */
export type Request =
  | { t: 'sub'; s: string; at?: Cursor }
  | { t: 'unsub'; s: string }
  | { t: 'send'; s: string; n: string; d: Body }
  | { t: 'hist'; s: string; before: number; limit: number }

/** What is not answered. */
export type Notice =
  | { t: 'typing'; s: string; on: boolean }
  | { t: 'pres'; state: PresenceState }
  | { t: 'ping' }
  | { t: 'pong' }

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
