/*
 * What the timeline shows, line by line: days, groups and messages, made from
 * the log and the outbox.
 *
 * 1. A message keeps its key from the moment it is written to its last day:
 *    author and nonce, so confirming it never makes a second node.
 * 2. No message is shown twice, in the log and as an entry.
 */

import type { Message } from './log'
import type { Entry, EntryState } from './outbox'

export interface DayRow {
  kind: 'day'
  key: string
  ts: number
}

export interface MessageRow {
  kind: 'message'
  key: string
  /** Its number, once it is in the log. */
  q?: number
  by: string
  text: string
  ts: number
  own: boolean
  /** Starts a group: another author, another day, or five quiet minutes. */
  starts: boolean
  state: 'sent' | EntryState
  entry?: Entry
  edited?: boolean
  deleted?: boolean
  reactions?: readonly Reaction[]
  /** How many messages belong to its thread. */
  replies?: number
}

export interface Reaction {
  emoji: string
  count: number
  own: boolean
}

export type Row = DayRow | MessageRow

const GROUP_GAP = 5 * 60_000

export function timelineRows(log: readonly Message[], entries: readonly Entry[], me: string): Row[] {
  const rows: Row[] = []
  let day = -Infinity
  let previous: MessageRow | undefined
  for (const row of messageRows(log, entries, me)) {
    const today = dayOf(row.ts)
    const newDay = today > day
    if (newDay) rows.push({ kind: 'day', key: `day ${today}`, ts: row.ts })
    row.starts = newDay || previous?.by !== row.by || row.ts - previous.ts >= GROUP_GAP
    rows.push(row)
    day = Math.max(day, today)
    previous = row
  }
  return rows
}

function* messageRows(log: readonly Message[], entries: readonly Entry[], me: string): Generator<MessageRow> {
  for (const message of log) {
    const { q, by, n, text, ts, ed, del, rc = 0 } = message
    const deleted = del !== undefined || n === ''
    yield {
      kind: 'message',
      // Of one that was deleted before it came, nobody knows the nonce.
      key: `${by} ${n || q}`,
      ...{ q, by, text, ts, own: by === me, starts: true, state: 'sent' },
      ...{ deleted, edited: !deleted && ed !== undefined, reactions: reactionsOf(message, me), replies: rc },
    }
  }
  for (const entry of entries) {
    const { nonce, text, ts, state } = entry
    yield { kind: 'message', key: `${me} ${nonce}`, by: me, text, ts, own: true, starts: true, state, entry }
  }
}

function reactionsOf({ rx = {} }: Message, me: string): Reaction[] {
  return Object.entries(rx).map(([emoji, users]) => ({
    emoji,
    count: users.length,
    own: users.includes(me),
  }))
}

/** When the day began, as the reader lives it. */
function dayOf(ts: number): number {
  return new Date(ts).setHours(0, 0, 0, 0)
}
