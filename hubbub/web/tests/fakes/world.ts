/* A clock that moves only when told, chance that can be repeated, and what hangs on both. */

/** Numbers in [0, 1) that depend on the seed alone (mulberry32's recurrence). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let bits = Math.imul(state ^ (state >>> 15), 1 | state)
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }
}

interface Timer {
  due: number
  order: number
  run: () => void
}

export class World {
  time = 1_800_000_000_000
  #order = 0
  #timers: Timer[] = []

  constructor(readonly random: () => number = () => 0.5) {}

  readonly now = (): number => this.time

  readonly after = (milliseconds: number, run: () => void): (() => void) => {
    const timer = { due: this.time + milliseconds, order: this.#order++, run }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  readonly wait = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => this.after(milliseconds, resolve))

  /** Let time pass, running what falls due in order, and what promises make of it in between. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.time + milliseconds
    await settle()
    for (let timer = this.#next(end); timer; timer = this.#next(end)) {
      this.time = Math.max(this.time, timer.due)
      timer.run()
      await settle()
    }
    this.time = end
  }

  #next(end: number): Timer | undefined {
    const due = this.#timers.filter((timer) => timer.due <= end)
    due.sort((one, other) => one.due - other.due || one.order - other.order)
    const [first] = due
    if (first) this.#timers.splice(this.#timers.indexOf(first), 1)
    return first
  }
}

/** Wait until every promise that can be settled now is. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve()
}
