/*
 * A message as it will be once the server has taken what this page asks for:
 * the same fold as that of events, over those that are only asked for yet.
 *
 * 1. What was refused isn't foreseen, and neither is what the message has by now.
 * 2. Nothing changes one that was deleted: the server refuses that as well.
 */

import type { Change } from '../wire/bodies'
import { changed, type Message } from './log'
import { isPost, type ChangeEntry, type Entry } from './outbox'

export interface Foreseen {
  message: Message
  /** Its text isn't what the server has. */
  changing: boolean
  /** What was asked for and refused, until the reader has seen why. */
  refused: readonly ChangeEntry[]
}

/** The changes that an outbox has for each message. */
export function changesByMessage(entries: readonly Entry[]): ReadonlyMap<number, ChangeEntry[]> {
  const all = new Map<number, ChangeEntry[]>()
  for (const entry of entries) {
    if (isPost(entry)) continue
    const known = all.get(entry.m)
    if (known) known.push(entry)
    else all.set(entry.m, [entry])
  }
  return all
}

export function foresee(message: Message, changes: readonly ChangeEntry[], me: string): Foreseen {
  const refused = changes.filter(({ state }) => state === 'failed')
  const expected = changes.filter((entry) => isExpected(entry, message))
  return {
    message: expected.reduce((before, entry) => foreseen(before, entry, me), message),
    changing: message.del === undefined && expected.some(({ t }) => t === 'edit' || t === 'del'),
    refused,
  }
}

function isExpected({ state, q }: ChangeEntry, { rev }: Message): boolean {
  return state === 'waiting' || (state === 'acked' && (q ?? 0) > rev)
}

function foreseen(message: Message, entry: ChangeEntry, me: string): Message {
  if (message.del !== undefined || message.n === '') return message
  const { q = message.rev, ts } = entry
  return changed(message, { q, ts, by: me }, bodyOf(entry))
}

function bodyOf(entry: ChangeEntry): Change {
  const { nonce: n, m } = entry
  switch (entry.t) {
    case 'edit':
      return { k: 'msg.edit', d: { n, m, text: entry.text } }
    case 'del':
      return { k: 'msg.del', d: { n, m } }
    case 'react':
      return { k: 'react', d: { n, m, e: entry.e, on: entry.on } }
    case 'pin':
      return { k: 'pin', d: { n, m, on: entry.on } }
  }
}
