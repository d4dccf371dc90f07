/* What waits in a room, as two streams tell it. */

import { beforeEach, describe, expect, test } from 'vitest'
import { Log, type Message } from '../../src/models/log'
import { Unread } from '../../src/models/unread'
import type * as wire from '../../src/wire/frames.generated'

let unread: Unread

beforeEach(() => {
  unread = new Unread('me')
})

function message(q: number, more: Partial<Message> = {}): Message {
  return { q, rev: q, base: q, ts: q, by: 'bo', n: `nonce-${q}`, text: 'hi', ...more }
}

function deletion(q: number, ts = q): wire.Event {
  return { t: 'ev', s: 'r_tea', q, k: 'msg.del', ts, by: 'bo', d: {} }
}

const told = (q: number, m: number, ts = q) => unread.deleted(deletion(q, ts), { n: 'nonce', m }, message(m))

describe('what was told', () => {
  test('up to an event is counted, what came after it is not', () => {
    unread.marked({ read: 1, unread: 2, mentions: 0, asof: 3 }, 9)
    for (const q of [2, 3, 4]) unread.posted(message(q, { ts: 9 }))
    expect(unread.marks).toEqual({ read: 1, unread: 3, mentions: 0 })
    told(5, 3, 9)
    expect(unread.marks.unread).toBe(2)
    unread.marked({ read: 1, unread: 2, mentions: 0, asof: 5 }, 9)
    told(5, 3, 9)
    expect(unread.marks.unread).toBe(2)
  })

  test('by an earlier server is counted up to its time', () => {
    unread.marked({ read: 1, unread: 5, mentions: 0 }, 4)
    for (const q of [3, 4, 5]) unread.posted(message(q))
    expect(unread.marks.unread).toBe(7)
  })

  test('in a copy of the own stream says up to where, too', () => {
    unread.filled({ read: 1, unread: 2, mentions: 0, asof: 3 }, 9)
    for (const q of [2, 3, 4]) unread.posted(message(q, { ts: 9 }))
    expect(unread.marks).toEqual({ read: 1, unread: 3, mentions: 0 })
  })

  test('before the copy of a room was made is in that', () => {
    unread.copied({ read: 6, unread: 1, mentions: 0 }, 7, [message(7)])
    unread.marked({ read: 3, unread: 4, mentions: 0 }, 5)
    expect(unread.marks).toEqual({ read: 6, unread: 1, mentions: 0 })
  })

  test('is nothing once it was counted anew', () => {
    unread.marked({ read: 1, unread: 5, mentions: 0, asof: 9 }, 9)
    const log = new Log()
    log.reset([message(1), message(2), message(3)], false)
    unread.recount(log)
    unread.posted(message(4))
    expect(unread.marks.unread).toBe(3)
  })
})

test('of posting and reading the later counts, whichever is heard of first', () => {
  unread.marked({ read: 1, unread: 5, mentions: 0 }, 9)
  unread.posted(message(7, { by: 'me' }))
  expect(unread.marks.read).toBe(1)
  unread.marked({ read: 8, unread: 0, mentions: 0 }, 6)
  expect(unread.marks.read).toBe(8)
})

test('a mention counts once, whichever stream tells of it first, until it is deleted', () => {
  for (const q of [3, 5]) unread.mentioned(q)
  unread.copied({ read: 0, unread: 3, mentions: 1 }, 4, [])
  expect(unread.marks.mentions).toBe(2)
  unread.mentioned(4)
  expect(unread.marks.mentions).toBe(2)
  told(6, 5)
  expect(unread.marks.mentions).toBe(1)
  unread.posted(message(7, { by: 'me' }))
  expect(unread.marks.mentions).toBe(0)
})

test('a mention whose text went is known', () => {
  unread.marked({ read: 1, unread: 2, mentions: 2 }, 0)
  for (const q of [1, 2]) {
    unread.changing(message(q, { text: '<@me>' }))
    told(9, q)
  }
  expect(unread.marks.mentions).toBe(1)
})
