import { beforeEach, expect, test } from 'vitest'
import { CallError } from '../../src/models/calls'
import { Roster } from '../../src/models/roster'
import { removes } from '../../src/models/rights'
import type { MemberInfo, MembersResult } from '../../src/wire/frames.generated'

let roster: Roster
let pages: ((page: MembersResult | CallError) => void)[]

beforeEach(() => {
  roster = new Roster()
  pages = []
})

/** Ask for the members; each page comes when the test gives it. */
function load(): Promise<void> {
  const call = () =>
    new Promise((resolve, reject) => {
      pages.push((page) => (page instanceof CallError ? reject(page) : resolve(page)))
    })
  return roster.load(call as never, 'r_tea')
}

function member(id: string, role: MemberInfo['role'] = 'member'): MemberInfo {
  return { id, name: id.toUpperCase(), role }
}

async function give(page: MembersResult | CallError): Promise<void> {
  pages.shift()!(page)
  for (let turn = 0; turn < 4; turn += 1) await Promise.resolve()
}

function happen(op: 'join' | 'leave' | 'kick' | 'ban' | 'rename' | 'role', id: string, role?: 'owner'): void {
  roster.apply({ op, user: { id, name: id.toUpperCase() }, ...(role && { role }) })
}

const ids = () => roster.all.map(({ id }) => id).toSorted()

test('all pages are asked for', async () => {
  const loaded = load()
  await give({ members: [member('a', 'owner')], next: 'a' })
  expect(roster.status).toBe('loading')
  await give({ members: [member('b')] })
  await loaded
  expect(ids()).toEqual(['a', 'b'])
  expect(roster.role('a')).toBe('owner')
  expect(roster.status).toBe('ready')
})

test('it is kept by what happens', async () => {
  const loaded = load()
  await give({ members: [member('a'), member('b'), member('c')] })
  await loaded
  happen('join', 'd')
  happen('leave', 'a')
  happen('ban', 'b')
  happen('role', 'c', 'owner')
  happen('rename', 'c')
  expect(ids()).toEqual(['c', 'd'])
  expect(roster.role('c')).toBe('owner')
})

test('what happens meanwhile is fresher than a page', async () => {
  const loaded = load()
  happen('kick', 'a')
  happen('role', 'b', 'owner')
  happen('rename', 'c')
  await give({ members: [member('a'), member('b'), member('c', 'moderator')] })
  await loaded
  expect(ids()).toEqual(['b', 'c'])
  expect([roster.role('b'), roster.role('c')]).toEqual(['owner', 'moderator'])
})

test('a page from before it was forgotten is dropped', async () => {
  const loaded = load()
  roster.forget()
  await give({ members: [member('a')] })
  await loaded
  expect(ids()).toEqual([])
  expect(roster.status).toBe('none')
})

test('it can be asked for again after a failure', async () => {
  const failed = load()
  await give(new CallError('lost'))
  await failed
  expect(roster.status).toBe('failed')
  const loaded = load()
  await give({ members: [member('a')] })
  await loaded
  expect(ids()).toEqual(['a'])
})

test.each([
  ['owner', 'owner', true],
  ['moderator', 'member', true],
  ['moderator', 'moderator', false],
  ['member', 'member', false],
  [undefined, 'member', false],
] as const)('%s removes %s: %s', (mine, other, expected) => {
  expect(removes(mine, other)).toBe(expected)
})
