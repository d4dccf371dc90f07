/* The one way a model tells that it changed: no payload, the reader looks again. */

export class Observable {
  #observers = new Set<() => void>()

  /** Call `observer` after each change; the returned function ends it. */
  observe(observer: () => void): () => void {
    this.#observers.add(observer)
    return () => this.#observers.delete(observer)
  }

  protected changed(): void {
    for (const observer of [...this.#observers]) observer()
  }
}
