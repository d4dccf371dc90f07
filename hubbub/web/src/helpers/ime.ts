/*
 * Tells a key that belongs to an input method from one that is meant for the
 * page.  Chromium and Gecko send Enter while composing; WebKit sends it after
 * `compositionend`, in the same task.
 */

type Key = Pick<KeyboardEvent, 'isComposing' | 'key' | 'keyCode'>

export class InputMethod {
  #composing = false

  /** `later` runs when the present task is over. */
  constructor(private readonly later: (run: () => void) => void = (run) => setTimeout(run, 0)) {}

  readonly start = (): void => {
    this.#composing = true
  }

  readonly end = (): void => {
    this.later(() => {
      this.#composing = false
    })
  }

  owns(event: Key): boolean {
    return this.#composing || event.isComposing || event.key === 'Process' || event.keyCode === 229
  }
}
