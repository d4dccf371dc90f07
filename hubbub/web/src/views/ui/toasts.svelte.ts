/* What the page says in passing: one at a time, gone after a while, perhaps to be undone. */

export interface Toast {
  text: string
  /** It went wrong: said at once, and more firmly. */
  problem?: boolean
  undo?: () => void
}

const WHILE = 6000

class Toasts {
  shown = $state.raw<Toast | null>(null)
  #timer: ReturnType<typeof setTimeout> | undefined

  show(toast: Toast): void {
    this.shown = toast
    this.release()
  }

  /** Keep it for as long as someone reads it or is about to press it. */
  hold(): void {
    clearTimeout(this.#timer)
  }

  release(): void {
    this.hold()
    this.#timer = setTimeout(() => this.dismiss(), WHILE)
  }

  dismiss(): void {
    this.hold()
    this.shown = null
  }
}

export const toasts = new Toasts()
