import { beforeEach, expect, test, vi } from 'vitest'
import { Subscription, type StreamReader } from '../../src/models/subscription'
import type { Request } from '../../src/wire/frames'
import type { Reply } from '../../src/wire/requests'
import { World } from '../fakes/world'

let world: World
let asked: { request: Request; reply: Reply<never> }[]
let applied: number[]
let subscription: Subscription
const reader = {
  learn: vi.fn(),
  apply: vi.fn(),
  reset: vi.fn(),
  caughtUp: vi.fn(),
  refused: vi.fn(),
} satisfies StreamReader

const event = (q: number) => ({ t: 'ev', s: 'r', q, k: 'msg.new', ts: 0, by: 'u', d: {} }) as const
const answer = (frame: object): void =>
  asked.at(-1)!.reply.ok({ t: 'ok', id: 0, epoch: 1, ...frame } as never)
const delta = (head: number, ...numbers: number[]): void =>
  answer({ mode: 'delta', head, ev: numbers.map(event) })
const reset = (head: number): void => answer({ mode: 'reset', head, snap: {} })

beforeEach(() => {
  vi.resetAllMocks()
  world = new World()
  asked = []
  applied = []
  reader.apply.mockImplementation(({ q }: { q: number }) => applied.push(q))
  const request = (request: Request, reply: unknown) => asked.push({ request, reply: reply as Reply<never> })
  const environment = { ...world, open: () => ({}) as never }
  subscription = new Subscription('r', { request: request as never }, environment, reader)
  subscription.ask()
})

test('the first time there is no cursor', () => {
  expect(asked[0]!.request).toEqual({ t: 'sub', s: 'r' })
  reset(4)
  expect(subscription.cursor).toEqual([1, 4])
  expect(reader.caughtUp).toHaveBeenLastCalledWith(true)
})

test('events apply in order, each once', () => {
  reset(4)
  for (const q of [5, 5, 4, 6, 5, 1]) subscription.receive(event(q))
  expect(applied).toEqual([5, 6])
  expect(subscription.last).toBe(6)
  expect(asked).toHaveLength(1)
})

test('a hole asks from the last', () => {
  reset(4)
  subscription.receive(event(6))
  expect(applied).toEqual([])
  expect(asked[1]!.request).toEqual({ t: 'sub', s: 'r', at: [1, 4] })
  delta(6, 5, 6)
  expect(applied).toEqual([5, 6])
})

test('only one question at a time', () => {
  reset(4)
  subscription.receive(event(6))
  subscription.receive(event(7))
  subscription.gap()
  subscription.hear(9)
  expect(asked).toHaveLength(2)
})

test('what was seen meanwhile is asked for', () => {
  reset(4)
  subscription.receive(event(6))
  subscription.hear(9)
  delta(6, 5, 6)
  expect(asked[2]!.request).toEqual({ t: 'sub', s: 'r', at: [1, 6] })
  delta(9, 7, 8, 9)
  expect(asked).toHaveLength(3)
  expect(reader.caughtUp).toHaveBeenLastCalledWith(true)
})

test('a head that never comes is not asked for twice', () => {
  reset(4)
  subscription.hear(9)
  delta(4)
  delta(4)
  expect(asked).toHaveLength(3)
  expect(reader.caughtUp).toHaveBeenLastCalledWith(true)
})

test('an incomplete delta is not trusted', () => {
  reset(4)
  subscription.gap()
  delta(7, 5, 7)
  expect(applied).toEqual([5])
  expect(asked[2]!.request).toEqual({ t: 'sub', s: 'r' })
})

test('another epoch is told apart', () => {
  reset(4)
  subscription.gap()
  answer({ mode: 'reset', epoch: 2, head: 2, snap: {} })
  expect(reader.reset).toHaveBeenLastCalledWith({}, 2, true)
  subscription.receive(event(3))
  expect(applied).toEqual([3])
})

test('refused for now is asked again', async () => {
  asked[0]!.reply.err({ code: 'unavailable', retry: true, after: 700 })
  await world.pass(699)
  expect(asked).toHaveLength(1)
  await world.pass(2)
  expect(asked).toHaveLength(2)
})

test('refused for good is told', () => {
  asked[0]!.reply.err({ code: 'not_member', retry: false })
  expect(reader.refused).toHaveBeenCalledWith('not_member')
})

test('a lost connection asks nothing', async () => {
  asked[0]!.reply.err({ code: 'unavailable', retry: true, after: 700 })
  subscription.lost()
  await world.pass(1000)
  expect(asked).toHaveLength(1)
  subscription.ask()
  expect(asked).toHaveLength(2)
})

test("a followed stream asks only for what it hasn't", () => {
  const own = new Subscription(
    'me',
    { request: (request) => asked.push({ request, reply: {} as never }) },
    { ...world, open: () => ({}) as never },
    reader,
  )
  own.follow([1, 3])
  own.follow([1, 3])
  own.follow(undefined)
  expect(asked).toHaveLength(1)
  own.follow([1, 5])
  expect(asked[1]!.request).toEqual({ t: 'sub', s: 'me', at: [1, 3] })
})
