import { describe, expect, test } from 'vitest'
import { bodyOf, overheardOf } from '../../src/wire/bodies'
import type * as wire from '../../src/wire/frames.generated'

const event = (k: string, d: Record<string, unknown>): wire.Event => ({
  ...({ t: 'ev', s: 'r_1', q: 1, ts: 0, by: 'u' } as const),
  ...{ k, d },
})

describe('events', () => {
  test.each([
    ['msg.new', { n: 'nonce-01', text: 'hi', th: 3 }],
    ['msg.del', { n: 'nonce-01', m: 3, colour: 'red' }],
    ['member', { op: 'dance', user: { id: 'u', name: 'U' } }],
    ['read', { s: 'r_1', q: 1, unread: 0, mentions: 0 }],
  ])('%s %j is read', (k, d) => {
    expect(bodyOf(event(k, d))).toEqual({ k, d })
  })

  test('a forgotten message was there', () => {
    expect(bodyOf(event('msg.new', {}))).toEqual({ k: 'msg.new', d: { n: '', text: '' } })
  })

  test.each([
    ['msg.edit', {}],
    ['msg.new', { n: 'nonce-01' }],
    ['msg.new', { n: 'nonce-01', text: 'hi', th: 'three' }],
    ['member', { op: 'join', user: 'u' }],
    ['poll', { m: 1 }],
    ['constructor', {}],
  ])('%s %j says nothing', (k, d) => {
    expect(bodyOf(event(k, d))).toBeNull()
  })
})

describe('ephemerals', () => {
  test('a known one is read', () => {
    const d = { user: { id: 'u', name: 'U' }, on: true }
    expect(overheardOf({ k: 'typing', d })).toEqual({ k: 'typing', d })
  })

  test.each([
    ['typing', { on: true }],
    ['pres.state', { users: {}, count: 1 }],
    ['dance', {}],
  ])('%s %j says nothing', (k, d) => {
    expect(overheardOf({ k, d })).toBeNull()
  })
})
