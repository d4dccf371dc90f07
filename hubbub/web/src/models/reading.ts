/*
 * Tells how far a room was read: what is on screen counts after a moment, and
 * is told seldom, however fast more comes.
 */

import type { Environment } from '../wire/environment'

const MOMENT = 2000

export class Reading {
  #seen = 0
  #told = 0
  #cancel: (() => void) | null = null

  constructor(
    private readonly environment: Pick<Environment, 'after'>,
    private readonly tell: (q: number) => void,
  ) {}

  /** Everything up to `q` is before the reader's eyes. */
  see(q: number): void {
    this.#seen = Math.max(this.#seen, q)
    if (this.#seen <= this.#told) return
    this.#cancel ??= this.environment.after(MOMENT, () => {
      this.#cancel = null
      this.#told = this.#seen
      this.tell(this.#told)
    })
  }

  /** The reader looks elsewhere. */
  stop(): void {
    this.#cancel?.()
    this.#cancel = null
  }
}
