/*
 * What the timeline of a room or of a thread shows, line by line: days, groups
 * and messages, made from the log and the outbox.
 *
 * 1. A message keeps its key from the moment it is written to its last day:
 *    author and nonce, so confirming it never makes a second node.
 * 2. No message is shown twice, in the log and as an entry.
 */

import { shownAttached, shownFile, type ShownFile } from './attached'
import { changesByMessage, foresee } from './foreseen'
import type { Message } from './log'
import { isPost, type ChangeEntry, type Entry, type EntryState, type Post } from './outbox'

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
  entry?: Post
  edited?: boolean
  deleted?: boolean
  pinned?: boolean
  /** The message that it answers. */
  re?: number
  /** Its text, or that it has none, is asked for, and not so yet. */
  changing?: boolean
  /** The changes that were refused. */
  refused?: readonly ChangeEntry[]
  reactions?: readonly Reaction[]
  files?: readonly ShownFile[]
  /** How many messages belong to its thread. */
  replies?: number
}

export interface Reaction {
  emoji: string
  users: readonly string[]
  own: boolean
}

export type Row = DayRow | MessageRow

const GROUP_GAP = 5 * 60_000

/** The rows of a room's messages outside of threads, or of those in the thread of one. */
export function timelineRows(
  log: readonly Message[],
  entries: readonly Entry[],
  me: string,
  thread?: number,
): Row[] {
  const rows: Row[] = []
  let day = -Infinity
  let previous: MessageRow | undefined
  for (const row of messageRows(log, entries, me, thread)) {
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

function* messageRows(
  log: readonly Message[],
  entries: readonly Entry[],
  me: string,
  thread: number | undefined,
): Generator<MessageRow> {
  const changes = changesByMessage(entries)
  for (const message of log) yield messageRow(message, changes.get(message.q) ?? [], me)
  for (const entry of entries) if (isPost(entry) && entry.th === thread) yield entryRow(entry, me)
}

/** A message of the log, as it will be. */
export function messageRow(known: Message, changes: readonly ChangeEntry[], me: string): MessageRow {
  const { message, changing, refused } = foresee(known, changes, me)
  const { q, by, n, text, ts, ed, del, pin, re, rc = 0 } = message
  const deleted = del !== undefined || n === ''
  return {
    kind: 'message',
    // Of one that was deleted before it came, nobody knows the nonce.
    key: `${by} ${n || q}`,
    ...{ q, by, text, ts, own: by === me, starts: true, state: 'sent', changing, refused },
    ...{ deleted, edited: !deleted && ed !== undefined, pinned: pin !== undefined, replies: rc },
    ...(!deleted && re !== undefined && { re }),
    ...(message.files && message.files.length > 0 && { files: message.files.map(shownFile) }),
    reactions: reactionsOf(message, me),
  }
}

function entryRow(entry: Post, me: string): MessageRow {
  const { nonce, text, ts, state, re, attached } = entry
  return {
    ...{ kind: 'message', key: `${me} ${nonce}`, by: me, text, ts, own: true, starts: true, state, entry },
    ...(re !== undefined && { re }),
    ...(attached && { files: attached.map(shownAttached) }),
  }
}

function reactionsOf({ rx = {} }: Message, me: string): Reaction[] {
  return Object.entries(rx).map(([emoji, users]) => ({ emoji, users, own: users.includes(me) }))
}

/** What the files of a message are called, where there is no room to show them. */
export function namesOf({ files = [] }: { files?: readonly { name: string }[] | undefined }): string {
  return files.map(({ name }) => name).join(' · ')
}

/** When the day began, as the reader lives it. */
function dayOf(ts: number): number {
  return new Date(ts).setHours(0, 0, 0, 0)
}
