/* The public rooms, or those that were archived, as far as they were asked for: page by page, by name. */

import type * as wire from '../wire/frames.generated'
import { CallError, type Calls } from './calls'
import { Observable } from './observable'

export class Directory extends Observable {
  entries: wire.RoomEntry[] = []
  loading = false
  /** Why the last page didn't come. */
  problem: string | null = null
  #next: string | undefined = ''

  constructor(
    private readonly call: Calls['call'],
    private readonly archived = false,
  ) {
    super()
  }

  /** Whether there are more, as far as is known. */
  get more(): boolean {
    return this.#next !== undefined
  }

  /** Ask for the next page, unless one is on its way or there is none. */
  async load(): Promise<void> {
    if (this.loading || this.#next === undefined) return
    this.loading = true
    this.problem = null
    this.changed()
    try {
      const page = await this.call('room.list', { after: this.#next, archived: this.archived })
      this.entries = [...this.entries, ...page.rooms]
      this.#next = page.next
    } catch (error) {
      this.problem = error instanceof CallError ? error.code : 'internal'
    }
    this.loading = false
    this.changed()
  }
}
