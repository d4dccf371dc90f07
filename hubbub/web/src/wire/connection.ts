/*
 * The connection that comes back.
 *
 * It knows when to open, when to give up on a silent server and how long to
 * wait before the next attempt.  It doesn't know what the frames say, except
 * those about the connection itself: hello, welcome, ping, pong, bye.
 *
 * 1. At most one transport is listened to; a dropped one is deaf at once.
 * 2. `open` is entered only by `welcome`; once it is left, every waiting
 *    request is told, and a request made while being told isn't sent.
 * 3. Nothing leaves `ended` but `start`.
 */

import { backoff } from './backoff'
import { endingOf, type Ending } from './closing'
import type { Environment, Transport } from './environment'
import type * as wire from './frames.generated'
import { parseFrame } from './parse'
import { Requests, type Reply, type Request } from './requests'

/** `idle` before `start`; `waiting` for the next attempt; `ended` for good. */
export type ConnectionState = 'idle' | 'connecting' | 'open' | 'waiting' | 'ended'

/** What is not answered. */
export type Notice = wire.Typing | wire.Pres | wire.Read

export interface ConnectionListener {
  hello(): wire.Hello
  welcome(frame: wire.Welcome): void
  frame(frame: wire.ServerFrame): void
  state(state: ConnectionState): void
  ended(why: Ending): void
  /** An attempt failed before the server said anything: it may be down, or it may have refused us. */
  failed(): void
}

const ATTEMPT_TIMEOUT = 10_000
const SILENCE_GRACE = 10_000
const PROBE_TIMEOUT = 5_000
/** A connection that held this long shows that the server is well. */
const STEADY = 5_000

export class Connection {
  state: ConnectionState = 'idle'
  #transport: Transport | null = null
  #requests = new Requests()
  #attempts = 0
  #silence = 0
  #lastFrame = 0
  #openedAt = 0
  #notBefore = 0
  #bye: wire.Bye | null = null
  #cancelTimer = (): void => {}

  constructor(
    private readonly environment: Environment,
    private readonly listener: ConnectionListener,
  ) {}

  start(): void {
    if (this.state === 'idle' || this.state === 'ended') this.#attempt()
  }

  /** Close, and stay closed until `start`. */
  stop(): void {
    this.#leave('idle', 1000)
  }

  /** Try at once instead of waiting: somebody asked for it. */
  hurry(): void {
    if (this.state === 'waiting') this.#attempt()
  }

  /** The network or the reader returned: try at once, unless the server asked for patience. */
  wake(): void {
    if (this.state === 'open') this.#probe()
    else if (this.environment.now() >= this.#notBefore) this.hurry()
  }

  /** Ask, and be answered exactly once; on a connection that isn't open, at once with `lost`. */
  request<T extends wire.Ok>(request: Request, reply: Reply<T>): void {
    if (this.state !== 'open') return reply.err({ code: 'lost', retry: true })
    const id = this.#requests.add(reply, this.environment.now())
    this.#write({ ...request, id })
  }

  /** Say something that is not answered, and that nobody misses when there is no connection. */
  notify(notice: Notice): void {
    if (this.state === 'open') this.#write(notice)
  }

  #attempt(): void {
    this.#cancelTimer()
    this.#bye = null
    this.#enter('connecting')
    const transport = (this.#transport = this.environment.open())
    transport.onopen = () => this.#write(this.listener.hello())
    transport.onmessage = (event) => this.#receive(event.data)
    transport.onclose = (event) => this.#lost(event.code)
    this.#arm(ATTEMPT_TIMEOUT, () => this.#lost())
  }

  #receive(data: unknown): void {
    this.#lastFrame = this.environment.now()
    const frame = typeof data === 'string' ? parseFrame(data) : null
    if (!frame) return
    if (frame.t === 'welcome') this.#welcome(frame)
    else if (frame.t === 'bye') this.#bye = frame
    else if (frame.t === 'ok' || frame.t === 'err') this.#requests.settle(frame)
    else if (this.state === 'open') this.#hear(frame)
  }

  #hear(frame: wire.ServerFrame): void {
    if (frame.t === 'ping') this.#write({ t: 'pong' })
    this.listener.frame(frame)
  }

  #welcome(frame: wire.Welcome): void {
    this.#openedAt = this.environment.now()
    this.#silence = frame.hb * 1000 + SILENCE_GRACE
    this.#enter('open')
    this.#watch()
    this.listener.welcome(frame)
  }

  /** Give up on a server that has been silent, or hasn't answered, longer than its own heartbeat allows. */
  #watch(): void {
    const since = Math.min(this.#lastFrame, this.#requests.oldest ?? Infinity)
    const left = since + this.#silence - this.environment.now()
    if (left <= 0) this.#lost()
    else this.#arm(left, () => this.#watch())
  }

  /** Ask for any sign of life soon: after a sleep the connection may be dead without knowing. */
  #probe(): void {
    const asked = this.environment.now()
    this.#write({ t: 'ping' })
    this.#arm(PROBE_TIMEOUT, () => {
      if (this.#lastFrame < asked) this.#lost()
      else this.#watch()
    })
  }

  #lost(code?: number): void {
    const now = this.environment.now()
    const fresh = this.state === 'connecting'
    const bye = this.#bye
    const ending = endingOf(code, bye)
    if (ending) {
      this.#leave('ended')
      return this.listener.ended(ending)
    }
    if (!fresh && now - this.#openedAt >= STEADY) this.#attempts = 0
    this.#attempts += 1
    this.#notBefore = now + (bye?.after ?? 0)
    this.#leave('waiting')
    this.#arm(bye?.after ?? backoff(this.#attempts, this.environment.random), () => this.#attempt())
    if (fresh) this.listener.failed()
  }

  #leave(state: ConnectionState, code?: number): void {
    this.#cancelTimer()
    const transport = this.#transport
    this.#transport = null
    if (transport) {
      transport.onopen = transport.onmessage = transport.onclose = null
      transport.close(code)
    }
    this.#enter(state)
    this.#requests.abandon()
  }

  #write(frame: wire.ClientFrame): void {
    this.#transport?.send(JSON.stringify(frame))
  }

  #arm(milliseconds: number, run: () => void): void {
    this.#cancelTimer()
    this.#cancelTimer = this.environment.after(milliseconds, run)
  }

  #enter(state: ConnectionState): void {
    if (this.state === state) return
    this.state = state
    this.listener.state(state)
  }
}
