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
  for (const { q, by, n, text, ts } of log) {
    yield { kind: 'message', key: `${by} ${n}`, q, by, text, ts, own: by === me, starts: true, state: 'sent' }
  }
  for (const entry of entries) {
    const { nonce, text, ts, state } = entry
    yield { kind: 'message', key: `${me} ${nonce}`, by: me, text, ts, own: true, starts: true, state, entry }
  }
}

/** When the day began, as the reader lives it. */
function dayOf(ts: number): number {
  return new Date(ts).setHours(0, 0, 0, 0)
}
