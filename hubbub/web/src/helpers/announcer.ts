/*
 * What a screen reader says of new messages: each by itself, or how many when
 * they come faster than they can be listened to.
 */

const WINDOW = 1000
const MOST = 3

export class Announcer {
  #waiting: string[] = []
  #timer = false

  constructor(
    private readonly say: (text: string) => void,
    private readonly many: (count: number) => string,
    private readonly later: (run: () => void, milliseconds: number) => void = (run, milliseconds) =>
      void setTimeout(run, milliseconds),
  ) {}

  add(text: string): void {
    this.#waiting.push(text)
    if (this.#timer) return
    this.#timer = true
    this.later(() => this.#flush(), WINDOW)
  }

  #flush(): void {
    this.#timer = false
    const waiting = this.#waiting
    this.#waiting = []
    this.say(waiting.length > MOST ? this.many(waiting.length) : waiting.join('\n'))
  }
}
