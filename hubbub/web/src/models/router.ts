/*
 * Which place of the chat is shown, and the address that says so: `/` for
 * wherever one was last, `/r/<room>`, `/r/<room>/<message>` and
 * `/r/<room>/t/<message>` for the thread of one.
 */

import { Observable } from './observable'

export interface Place {
  room?: string
  /** The message to show it at. */
  message?: number
  /** The message whose thread is open beside it. */
  thread?: number
}

/** The part of a browser's window that is needed: its address, and its way back. */
export interface Address {
  readonly path: string
  push(path: string): void
  replace(path: string): void
  /** Call when the reader went back or forward. */
  moved(run: () => void): void
}

const PATH = /^\/r\/(?<room>[\w-]{1,64})(?:\/(?<thread>t\/)?(?<message>\d{1,15}))?$/u

/** What an address leads to; the beginning, if it isn't one of ours. */
export function placeOf(path: string): Place {
  const { room, thread, message } = PATH.exec(path)?.groups ?? {}
  if (room === undefined) return {}
  if (message === undefined) return { room }
  return thread === undefined ? { room, message: Number(message) } : { room, thread: Number(message) }
}

export function pathOf({ room, message, thread }: Place): string {
  if (room === undefined) return '/'
  if (thread !== undefined) return `/r/${room}/t/${thread}`
  return message === undefined ? `/r/${room}` : `/r/${room}/${message}`
}

export class Router extends Observable {
  place: Place

  constructor(private readonly address: Address) {
    super()
    this.place = placeOf(address.path)
    address.moved(() => this.#show(placeOf(address.path)))
  }

  /** Go there; going back leads to where one is now. */
  go(place: Place): void {
    if (pathOf(place) !== this.address.path) this.address.push(pathOf(place))
    this.#show(place)
  }

  /** Be there instead of here: going back doesn't lead to here. */
  replace(place: Place): void {
    this.address.replace(pathOf(place))
    this.#show(place)
  }

  #show(place: Place): void {
    this.place = place
    this.changed()
  }
}
