/* Where the keys lead in a list that one moves through: arrows around, Home, End, and the first letters. */

const PAUSE = 600

export class MenuKeys {
  #typed = ''
  #last = 0

  /** Which of `names` a key leads to from `current`; undefined if it isn't for moving. */
  move(key: string, current: number, names: readonly string[], now = Date.now()): number | undefined {
    const count = names.length
    if (key === 'ArrowDown') return (current + 1) % count
    if (key === 'ArrowUp') return (Math.max(current, 0) + count - 1) % count
    if (key === 'Home') return 0
    if (key === 'End') return count - 1
    return [...key].length === 1 && key !== ' ' ? this.#find(key, current, names, now) : undefined
  }

  /** The next whose name begins with what was typed; the same letter again goes on to the one after. */
  #find(key: string, current: number, names: readonly string[], now: number): number | undefined {
    this.#typed = now - this.#last < PAUSE ? this.#typed + folded(key) : folded(key)
    this.#last = now
    const again = [...this.#typed].every((letter) => letter === this.#typed[0])
    const wanted = again ? (this.#typed[0] ?? '') : this.#typed
    const start = again ? current + 1 : Math.max(current, 0)
    const order = names.map((_, index) => (start + index) % names.length)
    return order.find((index) => folded(names[index] ?? '').startsWith(wanted))
  }
}

function folded(text: string): string {
  return text.trim().toLocaleLowerCase()
}
