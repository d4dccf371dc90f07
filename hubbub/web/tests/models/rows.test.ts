import { expect, test } from 'vitest'
import type { Entry } from '../../src/models/outbox'
import { timelineRows } from '../../src/models/rows'

const MINUTE = 60_000
const NOON = new Date(2026, 10, 23, 12).getTime()

const message = (q: number, by: string, ts: number) => {
  const text = `${q}`
  return { q, rev: q, base: q, ts, by, n: `n${q}`, text }
}
const entry = (order: number, ts: number): Entry => ({
  t: 'send',
  nonce: `e${order}`,
  user: 'me',
  stream: 'r',
  order,
  ts,
  text: '…',
  state: 'waiting',
})
const starts = (rows: ReturnType<typeof timelineRows>) =>
  rows.flatMap((row) => (row.kind === 'message' ? [row.starts] : []))

test('an empty room has no rows', () => {
  expect(timelineRows([], [], 'me')).toEqual([])
})

test('one author within five minutes is a group', () => {
  const times = [0, 4, 8, 14, 15].map((minute) => NOON + minute * MINUTE)
  const rows = timelineRows(
    times.map((ts, index) => message(index + 1, 'ann', ts)),
    [],
    'me',
  )
  expect(starts(rows)).toEqual([true, false, false, true, false])
})

test('another author starts another', () => {
  const rows = timelineRows(
    [message(1, 'ann', NOON), message(2, 'bo', NOON), message(3, 'bo', NOON)],
    [],
    'me',
  )
  expect(starts(rows)).toEqual([true, true, false])
})

test('a new day has a separator and a new group', () => {
  const midnight = new Date(2026, 10, 24).getTime()
  const rows = timelineRows([message(1, 'ann', midnight - MINUTE), message(2, 'ann', midnight)], [], 'me')
  expect(rows.map(({ kind }) => kind)).toEqual(['day', 'message', 'day', 'message'])
  expect(starts(rows)).toEqual([true, true])
})

test('a clock that went back makes no second day', () => {
  const midnight = new Date(2026, 10, 24).getTime()
  const times = [midnight - MINUTE, midnight, midnight - 1, midnight]
  const rows = timelineRows(
    times.map((ts, index) => message(index + 1, 'ann', ts)),
    [],
    'me',
  )
  expect(rows.filter(({ kind }) => kind === 'day')).toHaveLength(2)
})

test('entries come last and are own', () => {
  const rows = timelineRows([message(1, 'me', NOON)], [entry(1, NOON)], 'me')
  expect(rows.slice(1)).toMatchObject([
    { key: 'me n1', own: true, state: 'sent' },
    { key: 'me e1', own: true, state: 'waiting', starts: false },
  ])
})
