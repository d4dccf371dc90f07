/*
 * What is asked of the server besides messages, by the methods of the protocol.
 *
 * 1. Each is answered once: by what the method gives, or by a CallError.
 * 2. What had no answer when the connection went is sent again on the next one
 *    under its own nonce, so that it takes effect once (R2).
 * 3. Nobody waits for ever: what has no answer in time is `lost`, and may have
 *    taken effect.
 */

import { backoff } from '../wire/backoff'
import type { Connection } from '../wire/connection'
import type { Environment } from '../wire/environment'
import type * as wire from '../wire/frames.generated'
import type { Refusal, Request } from '../wire/requests'
import { newNonce } from './outbox'

const PATIENCE = 20_000

export type Method = keyof wire.Methods
export type Params<M extends Method> = wire.Methods[M]['p']
export type Given<M extends Method> = wire.Methods[M]['r']

/** Why a call did nothing: the server's code, or `lost` where that isn't known. */
export class CallError extends Error {
  constructor(
    readonly code: string,
    /** Milliseconds after which it may be tried again, where the server said so. */
    readonly after?: number,
  ) {
    super(code)
  }
}

interface Waiting {
  readonly request: Request
  readonly settle: (answer: wire.Result | CallError) => void
  /** It is on its way, or waits for its time to go again. */
  asked: boolean
  failures: number
}

export class Calls {
  readonly #waiting = new Set<Waiting>()

  constructor(
    private readonly connection: Pick<Connection, 'request'>,
    private readonly environment: Pick<Environment, 'after' | 'random'>,
  ) {}

  call<M extends Method>(m: M, p: Params<M>): Promise<Given<M>> {
    return new Promise((resolve, reject) => {
      const settle = (answer: wire.Result | CallError): void => {
        forget()
        this.#waiting.delete(waiting)
        if (answer instanceof CallError) reject(answer)
        else resolve(answer as Given<M>)
      }
      const request = { t: 'call', m, p: p as Record<string, unknown>, n: newNonce() } as const
      const waiting: Waiting = { request, settle, asked: false, failures: 0 }
      const forget = this.environment.after(PATIENCE, () => settle(new CallError('lost')))
      this.#waiting.add(waiting)
      this.#ask(waiting)
    })
  }

  /** On a new connection: ask for all that has no answer yet. */
  ask(): void {
    for (const waiting of this.#waiting) this.#ask(waiting)
  }

  #ask(waiting: Waiting): void {
    if (waiting.asked || !this.#waiting.has(waiting)) return
    waiting.asked = true
    this.connection.request<wire.CallOk>(waiting.request, {
      ok: ({ r }) => waiting.settle(r),
      err: (refusal) => this.#refused(waiting, refusal),
    })
  }

  #refused(waiting: Waiting, { code, retry, after }: Refusal): void {
    if (code === 'lost') {
      waiting.asked = false
      return
    }
    if (!retry) return waiting.settle(new CallError(code, after))
    waiting.failures += 1
    this.environment.after(after ?? backoff(waiting.failures, this.environment.random), () => {
      waiting.asked = false
      this.#ask(waiting)
    })
  }
}
