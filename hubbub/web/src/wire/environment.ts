/*
 * What the connection needs of the world: a clock, chance, and something that
 * opens connections.  Tests hand in their own.
 */

/** The part of the browser's WebSocket that is used. */
export type Transport = Pick<WebSocket, 'onopen' | 'onmessage' | 'onclose' | 'send' | 'close'>

export interface Environment {
  /** Milliseconds since 1970. */
  now(): number
  /** A number in [0, 1). */
  random(): number
  /** Run after so many milliseconds; the returned function calls it off. */
  after(milliseconds: number, run: () => void): () => void
  open(): Transport
}

export const browserClock: Omit<Environment, 'open'> = {
  now: () => Date.now(),
  random: () => Math.random(),
  after(milliseconds, run) {
    const timer = setTimeout(run, milliseconds)
    return () => clearTimeout(timer)
  },
}

/** The browser itself, talking to the server that the page came from. */
export function browserEnvironment(path: string, subprotocol: string): Environment {
  return {
    ...browserClock,
    open() {
      const address = new URL(path, location.href)
      address.protocol = address.protocol.replace('http', 'ws')
      return new WebSocket(address, subprotocol)
    },
  }
}
