/*
 * Reads what the server says.  A frame of an unknown type is handed over as it
 * is, for the reader to pass by; one that isn't what its type says is no frame.
 */

import type { ServerFrame } from './frames.generated'
import { fits, type Shape } from './shapes'

const SHAPES: Readonly<Record<string, Shape>> = {
  welcome: {
    me: { id: 'string', name: 'string' },
    now: 'number',
    hb: 'number',
    limits: 'object',
    heads: 'object',
  },
  ok: { id: 'number' },
  err: { id: 'number?', code: 'string', retry: 'boolean', after: 'number?' },
  ev: { s: 'string', q: 'number', k: 'string', ts: 'number', by: 'string', d: 'object' },
  eph: { s: 'string?', k: 'string', d: 'object', ttl: 'number?' },
  gap: { s: 'string', head: 'number' },
  ping: { heads: 'object?' },
  bye: { code: 'number', retry: 'string', after: 'number?' },
}

/** Read one text frame; null when it can't be read. */
export function parseFrame(text: string): ServerFrame | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  if (!fits(value, { t: 'string' })) return null
  const frame = value as ServerFrame
  const shape = Object.hasOwn(SHAPES, frame.t) ? SHAPES[frame.t] : undefined
  return !shape || fits(frame, shape) ? frame : null
}
