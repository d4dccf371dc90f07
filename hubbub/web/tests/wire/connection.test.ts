import { beforeEach, describe, expect, test, vi } from 'vitest'
import { Connection, type ConnectionListener } from '../../src/wire/connection'
import type { Transport } from '../../src/wire/environment'
import { World } from '../fakes/world'

/** The server's side of one attempt, played by hand. */
class Attempt implements Transport {
  onopen: Transport['onopen'] = null
  onmessage: Transport['onmessage'] = null
  onclose: Transport['onclose'] = null
  readonly written: Record<string, unknown>[] = []
  readonly close = vi.fn()

  send(text: string): void {
    this.written.push(JSON.parse(text) as Record<string, unknown>)
  }
  accept(): void {
    this.onopen?.call(null as never, {} as Event)
  }
  say(frame: object): void {
    this.onmessage?.call(null as never, { data: JSON.stringify(frame) } as MessageEvent)
  }
  welcome(): void {
    this.accept()
    const me = { id: 'me', name: 'Me', kind: 'guest' }
    this.say({ t: 'welcome', me, now: 0, hb: 25, limits: {}, heads: {} })
  }
  end(code = 1006): void {
    this.onclose?.call(null as never, { code } as CloseEvent)
  }
}

let world: World
let attempts: Attempt[]
let connection: Connection
const listener = {
  hello: vi.fn<ConnectionListener['hello']>(),
  welcome: vi.fn(),
  frame: vi.fn(),
  state: vi.fn(),
  ended: vi.fn(),
  failed: vi.fn(),
}
const latest = (): Attempt => attempts.at(-1)!
const subRequest = { t: 'sub', s: 'r_1' } as const

beforeEach(() => {
  vi.resetAllMocks()
  listener.hello.mockReturnValue({ t: 'hello', client: { name: 'web', ver: '1' }, feat: [], at: {} })
  world = new World(() => 0.5)
  attempts = []
  const open = (): Transport => {
    attempts.push(new Attempt())
    return latest()
  }
  connection = new Connection({ now: world.now, random: world.random, after: world.after, open }, listener)
  connection.start()
})

describe('opening', () => {
  test('hello comes first', () => {
    latest().accept()
    expect(latest().written).toMatchObject([{ t: 'hello' }])
    expect(connection.state).toBe('connecting')
  })

  test('welcome opens it', () => {
    latest().welcome()
    expect(connection.state).toBe('open')
    expect(listener.welcome).toHaveBeenCalledOnce()
  })

  test('a silent server is given up', async () => {
    latest().accept()
    await world.pass(10_001)
    expect(connection.state).toBe('waiting')
    expect(attempts[0]!.close).toHaveBeenCalledOnce()
  })

  test('failed attempts are told', () => {
    latest().end()
    expect(listener.failed).toHaveBeenCalledOnce()
  })
})

describe('talking', () => {
  beforeEach(() => latest().welcome())

  test('requests are numbered and answered', () => {
    const ok = vi.fn()
    connection.request(subRequest, { ok, err: vi.fn() })
    expect(latest().written.at(-1)).toEqual({ ...subRequest, id: 1 })
    latest().say({ t: 'ok', id: 1, head: 3 })
    expect(ok).toHaveBeenCalledWith({ t: 'ok', id: 1, head: 3 })
  })

  test('a ping is answered and handed on', () => {
    latest().say({ t: 'ping', heads: { r_1: 4 } })
    expect(latest().written.at(-1)).toEqual({ t: 'pong' })
    expect(listener.frame).toHaveBeenCalledWith({ t: 'ping', heads: { r_1: 4 } })
  })

  test.each(['nonsense', '{"t":"ev","s":7}', '{"t":"welcome"}'])('%s is passed by', (data) => {
    latest().onmessage?.call(null as never, { data } as MessageEvent)
    expect(listener.frame).not.toHaveBeenCalled()
    expect(connection.state).toBe('open')
  })

  test('without a connection a request is lost at once', () => {
    latest().end()
    const err = vi.fn()
    connection.request(subRequest, { ok: vi.fn(), err })
    expect(err).toHaveBeenCalledWith({ code: 'lost', retry: true })
  })

  test('an unanswered request ends the connection', async () => {
    connection.request(subRequest, { ok: vi.fn(), err: vi.fn() })
    await world.pass(25_000)
    latest().say({ t: 'ping' })
    await world.pass(9_900)
    expect(connection.state).toBe('open')
    await world.pass(200)
    expect(connection.state).toBe('waiting')
  })
})

describe('losing it', () => {
  beforeEach(() => latest().welcome())

  test('whoever waits is told, and asks in vain', () => {
    const again = vi.fn()
    const err = vi.fn(() => connection.request(subRequest, { ok: vi.fn(), err: again }))
    connection.request(subRequest, { ok: vi.fn(), err })
    latest().end()
    expect(err).toHaveBeenCalledWith({ code: 'lost', retry: true })
    expect(again).toHaveBeenCalledOnce()
  })

  test('it comes back by itself', async () => {
    latest().end(1012)
    expect(connection.state).toBe('waiting')
    await world.pass(1000)
    expect(attempts).toHaveLength(2)
    latest().welcome()
    expect(connection.state).toBe('open')
  })

  test('waits grow until a connection holds', async () => {
    const waits: number[] = []
    for (const held of [0, 0, 0, 20_000, 0]) {
      await world.pass(held)
      if (held) latest().say({ t: 'ping' })
      const before = world.time
      latest().end()
      while (connection.state === 'waiting') await world.pass(50)
      waits.push(world.time - before)
      latest().welcome()
    }
    expect(waits).toEqual([500, 1000, 2000, 500, 1000])
  })

  test('silence beyond the heartbeat is death', async () => {
    await world.pass(30_000)
    latest().say({ t: 'ping' })
    await world.pass(34_000)
    expect(connection.state).toBe('open')
    await world.pass(2000)
    expect(connection.state).not.toBe('open')
    expect(attempts[0]!.onmessage).toBeNull()
  })

  test('hurry is at once', () => {
    latest().end()
    connection.hurry()
    expect(attempts).toHaveLength(2)
    connection.hurry()
    expect(attempts).toHaveLength(2)
  })

  test("a server's patience is honoured", async () => {
    latest().say({ t: 'bye', code: 4005, why: 'busy', retry: 'resume', after: 9000 })
    latest().end(4005)
    connection.wake()
    await world.pass(8000)
    expect(attempts).toHaveLength(1)
    await world.pass(1001)
    expect(attempts).toHaveLength(2)
  })
})

describe('waking up', () => {
  beforeEach(() => latest().welcome())

  test('a live server answers the probe', async () => {
    await world.pass(1000)
    connection.wake()
    expect(latest().written.at(-1)).toEqual({ t: 'ping' })
    await world.pass(100)
    latest().say({ t: 'pong' })
    await world.pass(6000)
    expect(connection.state).toBe('open')
  })

  test('a dead one is found out in five seconds', async () => {
    await world.pass(1000)
    connection.wake()
    await world.pass(5001)
    expect(connection.state).not.toBe('open')
  })
})

describe('endings', () => {
  beforeEach(() => latest().welcome())

  test.each([
    [4101, 'reauth'],
    [4199, 'reauth'],
    [4401, 'reauth'],
    [4403, 'reauth'],
    [4400, 'refused'],
    [4429, 'refused'],
    [4499, 'refused'],
    [1009, 'refused'],
  ])('code %i is %s', async (code, why) => {
    latest().end(code)
    expect(listener.ended).toHaveBeenCalledWith(why)
    connection.hurry()
    await world.pass(60_000)
    expect(attempts).toHaveLength(1)
    connection.start()
    expect(attempts).toHaveLength(2)
  })

  test('bye may say so too', () => {
    latest().say({ t: 'bye', code: 4000, why: '', retry: 'reauth' })
    latest().end(4000)
    expect(listener.ended).toHaveBeenCalledWith('reauth')
  })

  test('the goodbye is believed before the code', () => {
    latest().say({ t: 'bye', code: 4401, why: '', retry: 'never' })
    latest().end(1006)
    expect(listener.ended).toHaveBeenCalledWith('reauth')
  })

  test.each(['resume', 'when it suits you'])('a goodbye may ask to come back: %s', async (retry) => {
    latest().say({ t: 'bye', code: 4042, why: '', retry })
    latest().end(4400)
    await world.pass(1000)
    expect(attempts).toHaveLength(2)
  })

  test('another goodbye is about another connection', async () => {
    latest().say({ t: 'bye', code: 4000, why: '', retry: 'resume' })
    latest().end(4000)
    await world.pass(1000)
    latest().end(4400)
    expect(listener.ended).toHaveBeenCalledWith('refused')
  })

  test('stop is quiet', async () => {
    connection.stop()
    await world.pass(60_000)
    expect(attempts).toHaveLength(1)
    expect(listener.ended).not.toHaveBeenCalled()
  })
})
