/*
 * What an event or an ephemeral says, by its kind.  Of an unknown kind, and of
 * one that can't be read, there is only that it was said (R10).
 */

import type * as wire from './frames.generated'
import { fits, type Shape } from './shapes'

type Readable = {
  [K in keyof wire.EventBodies]: { k: K; d: Exclude<wire.EventBodies[K], wire.Forgotten> }
}
export type Body = Readable[keyof wire.EventBodies]
/** What changes a message that is there. */
export type Change = Readable['msg.edit' | 'msg.del' | 'react' | 'pin']

type Overheard = {
  [K in keyof wire.EphemeralBodies]: { k: K; d: wire.EphemeralBodies[K] }
}[keyof wire.EphemeralBodies]

const USER = { id: 'string', name: 'string' } as const
const ROOM = { id: 'string', name: 'string', topic: 'string' } as const

const EVENTS: { readonly [K in keyof wire.EventBodies]: Shape } = {
  'msg.new': { n: 'string', text: 'string', re: 'number?', th: 'number?', files: 'array?' },
  'msg.edit': { m: 'number', text: 'string' },
  'msg.del': { m: 'number', th: 'number?' },
  react: { m: 'number', e: 'string', on: 'boolean' },
  pin: { m: 'number', on: 'boolean' },
  member: { op: 'string', user: USER },
  room: { room: ROOM },
  'room.add': { room: ROOM },
  'room.rm': { room: 'string' },
  read: { s: 'string', q: 'number', unread: 'number', mentions: 'number', asof: 'number?' },
  mention: { s: 'string', q: 'number' },
  set: { key: 'string' },
  block: { user: USER, on: 'boolean' },
}

const EPHEMERALS: { readonly [K in keyof wire.EphemeralBodies]: Shape } = {
  typing: { user: USER, on: 'boolean' },
  pres: { ...USER, state: 'string' },
  'pres.state': { users: 'array', count: 'number' },
  badge: { head: 'number', unread: 'number', mentions: 'number' },
}

/** What an event says; a message that was deleted since (R11) says nothing, and was there. */
export function bodyOf({ k, d }: wire.Event): Body | null {
  if (k === 'msg.new' && Object.keys(d).length === 0) return { k, d: { n: '', text: '' } }
  return isRead(EVENTS, k, d) ? ({ k, d } as unknown as Body) : null
}

/** What an ephemeral says. */
export function overheardOf({ k, d }: Pick<wire.Ephemeral, 'k' | 'd'>): Overheard | null {
  return isRead(EPHEMERALS, k, d) ? ({ k, d } as unknown as Overheard) : null
}

/** Whether it changes a message that is there. */
export function isChange(body: Body): body is Change {
  return 'm' in body.d
}

function isRead(shapes: Readonly<Record<string, Shape>>, kind: string, body: unknown): boolean {
  const shape = Object.hasOwn(shapes, kind) ? shapes[kind] : undefined
  return shape !== undefined && fits(body, shape)
}
