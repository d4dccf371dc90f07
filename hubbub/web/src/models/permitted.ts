/*
 * What may be done with a message that is shown: what the server would refuse
 * isn't offered.
 */

import type { MessageRow, Row } from './rows'

export type Deed =
  'react' | 'reply' | 'thread' | 'edit' | 'pin' | 'unpin' | 'copy' | 'link' | 'reactors' | 'edits' | 'delete'

export interface Standing {
  /** Whether one keeps order in the room. */
  moderates: boolean
  /** Whether one may pin. */
  pins: boolean
  /** Whether nothing may change here. */
  closed: boolean
  /** Whether one may write. */
  speaks: boolean
  /** Whether the message stands in a thread, where no other begins. */
  threaded: boolean
}

/** What may be done, in the order in which it is offered. */
export function permitted(row: MessageRow, { moderates, pins, closed, speaks, threaded }: Standing): Deed[] {
  if (row.q === undefined || row.deleted) return []
  const { own, pinned = false, edited = false, reactions = [] } = row
  const all: [Deed, boolean][] = [
    ['react', !closed],
    ['reply', speaks],
    ['thread', !threaded],
    ['edit', own && !closed],
    ['pin', pins && !closed && !pinned],
    ['unpin', pins && !closed && pinned],
    ['copy', true],
    ['link', true],
    ['reactors', reactions.length > 0],
    ['edits', edited],
    ['delete', (own || moderates) && !closed],
  ]
  return all.filter(([, is]) => is).map(([deed]) => deed)
}

/** One's last message, if it may be edited: not an older one, while the last is on its way. */
export function lastEditable(rows: readonly Row[]): MessageRow | undefined {
  const own = rows.filter((row) => row.kind === 'message').filter((row) => row.own && !row.deleted)
  const last = own.at(-1)
  return last?.q === undefined ? undefined : last
}
