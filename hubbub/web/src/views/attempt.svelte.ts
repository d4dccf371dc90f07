/* Something that a button or a form has done: once at a time, with why it wasn't. */

import { CallError } from '../models/calls'

export class Attempt {
  busy = $state(false)
  /** The code with which the last one was refused. */
  code = $state<string | null>(null)

  /** Do it, unless it is being done; returns whether it was. */
  async make(act: () => Promise<unknown>): Promise<boolean> {
    if (this.busy) return false
    this.busy = true
    this.code = null
    try {
      await act()
      return true
    } catch (error) {
      this.code = error instanceof CallError ? error.code : 'internal'
      return false
    } finally {
      this.busy = false
    }
  }
}
