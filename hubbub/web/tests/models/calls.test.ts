import { beforeEach, expect, test } from 'vitest'
import { CallError, Calls } from '../../src/models/calls'
import type { CallOk } from '../../src/wire/frames.generated'
import type { Reply, Request } from '../../src/wire/requests'
import { seeded, World } from '../fakes/world'

type Asked = { request: Extract<Request, { t: 'call' }>; reply: Reply<CallOk> }

let world: World
let asked: Asked[]
let open: boolean
let calls: Calls

beforeEach(() => {
  world = new World(seeded(1))
  asked = []
  open = true
  const request = (request: Request, reply: Reply<never>): void => {
    if (open) asked.push({ request, reply } as unknown as Asked)
    else reply.err({ code: 'lost', retry: true })
  }
  calls = new Calls({ request }, world)
})

function answer(r: object): void {
  asked.at(-1)!.reply.ok({ t: 'ok', id: 1, r: r as never })
}

function refuse(code: string, retry = false, after?: number): void {
  asked.at(-1)!.reply.err({ code, retry, ...(after !== undefined && { after }) })
}

const join = () => calls.call('room.join', { s: 'r_tea' })

test('what the method gives comes back', async () => {
  const joined = join()
  expect(asked[0]!.request).toMatchObject({ t: 'call', m: 'room.join', p: { s: 'r_tea' } })
  answer({ room: { id: 'r_tea' } })
  expect(await joined).toEqual({ room: { id: 'r_tea' } })
})

test('a refusal for good has its code', async () => {
  const joined = join()
  refuse('banned')
  await expect(joined).rejects.toEqual(new CallError('banned'))
  calls.ask()
  expect(asked).toHaveLength(1)
})

test('what the connection took with it is sent again under its nonce', async () => {
  const joined = join()
  open = false
  refuse('lost', true)
  open = true
  calls.ask()
  expect(asked.map(({ request }) => request.n)).toEqual(Array(2).fill(asked[0]!.request.n))
  answer({ room: {} })
  await expect(joined).resolves.toEqual({ room: {} })
})

test('what was asked without a connection is sent when there is one', async () => {
  open = false
  const joined = join()
  expect(asked).toEqual([])
  open = true
  calls.ask()
  calls.ask()
  expect(asked).toHaveLength(1)
  answer({})
  await joined
})

test('a refusal for now is tried again in its time', async () => {
  const joined = join()
  refuse('too_many_requests', true, 700)
  calls.ask()
  await world.pass(699)
  expect(asked).toHaveLength(1)
  await world.pass(1)
  expect(asked).toHaveLength(2)
  answer({})
  await joined
})

test('nobody waits for ever', async () => {
  const joined = join()
  const ended = expect(joined).rejects.toEqual(new CallError('lost'))
  await world.pass(20_000)
  await ended
  answer({})
  calls.ask()
  expect(asked).toHaveLength(1)
})
