/*
 * Tells a room that its reader is typing: at once, then seldom, and not after
 * a while of silence.
 */

import type { Environment } from '../wire/environment'

/** The server takes one in 3 s, and what it tells lasts for 6 s. */
const REPEAT = 3500
const SILENCE = 5000

export class Typist {
  #lastOn = -Infinity
  #cancelSilence = (): void => {}

  constructor(
    private readonly environment: Pick<Environment, 'now' | 'after'>,
    private readonly tell: (on: boolean) => void,
  ) {}

  /** The draft changed; an empty one is nobody typing. */
  changed(draft: string): void {
    if (draft.trim() === '') return this.stop()
    const now = this.environment.now()
    if (now - this.#lastOn >= REPEAT) {
      this.#lastOn = now
      this.tell(true)
    }
    this.#cancelSilence()
    this.#cancelSilence = this.environment.after(SILENCE, () => this.stop())
  }

  /** Sent: the message itself tells the others that typing is over. */
  sent(): void {
    this.#cancelSilence()
    this.#lastOn = -Infinity
  }

  stop(): void {
    this.#cancelSilence()
    if (this.#lastOn === -Infinity) return
    this.#lastOn = -Infinity
    this.tell(false)
  }
}
