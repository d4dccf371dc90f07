import { expect, test } from 'vitest'
import { lastEditable, permitted } from '../../src/models/permitted'
import type { MessageRow } from '../../src/models/rows'

const row = (more: Partial<MessageRow> = {}): MessageRow => ({
  ...{
    kind: 'message',
    key: 'k',
    q: 7,
    by: 'ann',
    text: 'hi',
    ts: 0,
    own: false,
    starts: true,
    state: 'sent',
  },
  ...more,
})
const MEMBER = { moderates: false, pins: false, closed: false, speaks: true, threaded: false }

test("of another's message a member may say something", () => {
  expect(permitted(row(), MEMBER)).toEqual(['react', 'reply', 'thread', 'copy', 'link'])
})

test('of their own its author may change it', () => {
  expect(permitted(row({ own: true, edited: true }), MEMBER)).toEqual([
    ...['react', 'reply', 'thread', 'edit', 'copy', 'link', 'edits', 'delete'],
  ])
})

test('who keeps order pins and deletes', () => {
  const moderator = { ...MEMBER, moderates: true, pins: true }
  expect(permitted(row(), moderator)).toEqual(['react', 'reply', 'thread', 'pin', 'copy', 'link', 'delete'])
  expect(permitted(row({ pinned: true }), moderator)).toContain('unpin')
})

test('no thread begins in a thread', () => {
  expect(permitted(row(), { ...MEMBER, threaded: true })).not.toContain('thread')
})

test('nothing may be done with what is gone, or not there yet', () => {
  const { q: _, ...unsent } = row({ own: true })
  expect(permitted(unsent, MEMBER)).toEqual([])
  expect(permitted(row({ deleted: true, own: true }), MEMBER)).toEqual([])
})

test('the last of one that may be edited', () => {
  const rows = [row({ q: 1, own: true }), row({ q: 2, own: true, deleted: true }), row({ q: 3 })]
  expect(lastEditable([{ kind: 'day', key: 'd', ts: 0 }, ...rows])?.q).toBe(1)
  const { q: _, ...unsent } = row({ own: true, state: 'waiting' })
  expect(lastEditable([...rows, unsent])).toBeUndefined()
  expect(lastEditable([row()])).toBeUndefined()
})

test('where one may not write one may still look', () => {
  expect(permitted(row({ own: true }), { ...MEMBER, closed: true, speaks: false })).toEqual([
    ...['thread', 'copy', 'link'],
  ])
  expect(permitted(row(), { ...MEMBER, speaks: false })).toEqual(['react', 'thread', 'copy', 'link'])
})

test('who keeps no order may pin where all may', () => {
  expect(permitted(row(), { ...MEMBER, pins: true })).toContain('pin')
})
