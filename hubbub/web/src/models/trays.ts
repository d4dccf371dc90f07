/* The files that were chosen and aren't sent yet, for each place where one writes. */

import type { Attached } from './attached'
import { Observable } from './observable'
import { newNonce } from './outbox'
import type { Uploads } from './uploads'

/** A room, or the thread of one of its messages. */
export interface Place {
  room: string
  thread?: number | undefined
}

export type Chosen = Pick<Attached, 'blob' | 'name'> & Partial<Pick<Attached, 'width' | 'height'>>

export class Trays extends Observable {
  /** How many files a message may have. */
  most = 10
  readonly #trays = new Map<string, Attached[]>()

  constructor(private readonly uploads: Uploads) {
    super()
  }

  of(place: Place): readonly Attached[] {
    return this.#trays.get(keyOf(place)) ?? []
  }

  /** Take files, as many as fit; returns how many don't. */
  add(place: Place, chosen: readonly Chosen[]): number {
    const tray = [...this.of(place)]
    const taken = chosen.slice(0, Math.max(0, this.most - tray.length))
    const added = taken.map((file) => ({ ...file, key: newNonce(), alt: '' }))
    this.#put(place, [...tray, ...added])
    for (const attached of added) this.uploads.begin(place.room, attached)
    return chosen.length - taken.length
  }

  /** Leave one out. */
  remove(place: Place, key: string): void {
    this.uploads.cancel(key)
    this.#put(
      place,
      this.of(place).filter((attached) => attached.key !== key),
    )
  }

  describe(place: Place, key: string, alt: string): void {
    this.uploads.describe(key, alt)
    // Its upload has the same object; a view has to see another one.
    this.#put(place, [...this.of(place)])
  }

  /** Take everything, to send it. */
  empty(place: Place): Attached[] {
    const tray = this.#trays.get(keyOf(place)) ?? []
    this.#put(place, [])
    return tray
  }

  /** Put back what was taken, to be sent otherwise. */
  restore(place: Place, attached: readonly Attached[]): void {
    for (const each of attached) this.uploads.begin(place.room, each)
    this.#put(place, [...attached, ...this.of(place)])
  }

  #put(place: Place, tray: Attached[]): void {
    if (tray.length > 0) this.#trays.set(keyOf(place), tray)
    else this.#trays.delete(keyOf(place))
    this.changed()
  }
}

function keyOf({ room, thread }: Place): string {
  return `${room} ${thread ?? ''}`
}
