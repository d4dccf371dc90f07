import { beforeEach, expect, test, vi } from 'vitest'
import { Subscription, type StreamReader } from '../../src/models/subscription'
import type { InboxCopy } from '../../src/wire/frames.generated'
import type { Reply, Request } from '../../src/wire/requests'
import { World } from '../fakes/world'

let world: World
let asked: { request: Request; reply: Reply<never> }[]
let applied: number[]
let subscription: Subscription<InboxCopy>
const reader = {
  learn: vi.fn(),
  apply: vi.fn(),
  reset: vi.fn(),
  caughtUp: vi.fn(),
  refused: vi.fn(),
} satisfies StreamReader<InboxCopy>

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
  subscription.lapse()
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

test('what helped nothing is asked again later', async () => {
  reset(4)
  subscription.hear(9)
  delta(4)
  expect(asked).toHaveLength(2)
  expect(reader.caughtUp).toHaveBeenLastCalledWith(false)
  subscription.hear(9)
  expect(asked).toHaveLength(2)
  await world.pass(500)
  expect(asked).toHaveLength(3)
  delta(4)
  await world.pass(999)
  expect(asked).toHaveLength(3)
  await world.pass(1)
  delta(9, 5, 6, 7, 8, 9)
  expect(asked).toHaveLength(4)
  expect(reader.caughtUp).toHaveBeenLastCalledWith(true)
})

test('an incomplete delta is not trusted', () => {
  reset(4)
  subscription.lapse()
  subscription.hear(4)
  delta(7, 5, 7)
  expect(applied).toEqual([5])
  expect(asked[2]!.request).toEqual({ t: 'sub', s: 'r' })
})

test('a delta of another epoch is not trusted', async () => {
  reset(4)
  subscription.hear(5)
  answer({ mode: 'delta', epoch: 2, head: 5, ev: [event(5)] })
  expect(applied).toEqual([])
  await world.pass(500)
  expect(asked[2]!.request).toEqual({ t: 'sub', s: 'r' })
  answer({ mode: 'reset', epoch: 2, head: 2, snap: {} })
  expect(reader.reset).toHaveBeenLastCalledWith({}, 2, true)
  expect(reader.caughtUp).toHaveBeenLastCalledWith(true)
})

test('a copy older than what came meanwhile changes nothing', () => {
  reset(4)
  subscription.receive(event(6))
  subscription.receive(event(5))
  subscription.receive(event(6))
  reset(5)
  expect(applied).toEqual([5, 6])
  expect(reader.reset).toHaveBeenCalledOnce()
  expect(subscription.last).toBe(6)
  expect(reader.caughtUp).toHaveBeenLastCalledWith(true)
})

test('a copy that takes back more is believed', () => {
  reset(4)
  subscription.receive(event(6))
  reset(3)
  expect(reader.reset).toHaveBeenLastCalledWith({}, 3, false)
})

test('what is heard while nothing is sent waits for the answer', () => {
  reset(4)
  subscription.lapse()
  subscription.receive(event(5))
  expect(applied).toEqual([])
  expect(asked[1]!.request).toEqual({ t: 'sub', s: 'r', at: [1, 4] })
  delta(5, 5)
  expect(applied).toEqual([5])
})

test('what the reader learns of the end is asked after, not within', () => {
  reset(4)
  reader.apply.mockImplementation(({ q }: { q: number }) => q === 5 && subscription.lapse())
  subscription.hear(6)
  delta(6, 5, 6)
  expect(asked[2]!.request).toEqual({ t: 'sub', s: 'r', at: [1, 6] })
})

test('another epoch is told apart', () => {
  reset(4)
  subscription.hear(5)
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

test('refused for good is told, and not asked for again', () => {
  asked[0]!.reply.err({ code: 'not_found', retry: false })
  expect(reader.refused).toHaveBeenCalledWith('not_found')
  subscription.receive(event(1))
  subscription.lost()
  subscription.ask()
  expect(asked).toHaveLength(1)
  expect(reader.caughtUp).toHaveBeenCalledExactlyOnceWith(false)
  subscription.want()
  expect(asked).toHaveLength(2)
})

test('what was asked before one was let in may be refused', () => {
  subscription.want()
  expect(asked).toHaveLength(1)
  asked[0]!.reply.err({ code: 'not_found', retry: false })
  expect(reader.refused).not.toHaveBeenCalled()
  expect(asked).toHaveLength(2)
  asked[1]!.reply.err({ code: 'not_found', retry: false })
  expect(reader.refused).toHaveBeenCalledOnce()
})

test('a closed one is deaf', async () => {
  reset(4)
  subscription.receive(event(6))
  subscription.close()
  delta(6, 5, 6)
  subscription.receive(event(5))
  subscription.lost()
  subscription.ask()
  await world.pass(60_000)
  expect(applied).toEqual([])
  expect(asked).toHaveLength(2)
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
  reset(3)
  subscription.lost()
  subscription.follow(undefined)
  subscription.follow([1, 3])
  expect(asked).toHaveLength(1)
  subscription.receive(event(4))
  expect(applied).toEqual([4])
  subscription.lost()
  subscription.follow([1, 5])
  expect(asked[1]!.request).toEqual({ t: 'sub', s: 'r', at: [1, 4] })
})

test('a followed stream of another epoch is asked for', () => {
  reset(3)
  subscription.lost()
  subscription.follow([2, 3])
  expect(asked[1]!.request).toEqual({ t: 'sub', s: 'r', at: [1, 3] })
})
