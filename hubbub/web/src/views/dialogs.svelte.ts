/* Which dialog is open: one at a time. */

import type { Room } from '../models/room'

export type Asked =
  | { kind: 'settings' | 'create' | 'directory' | 'switcher' | 'write' }
  | { kind: 'leave' | 'room' | 'invite' | 'archive'; room: Room }
  | { kind: 'block'; user: { id: string; name: string } }
  | { kind: 'kick' | 'ban'; room: Room; user: { id: string; name: string } }

class Dialogs {
  shown = $state.raw<Asked | null>(null)

  open(asked: Asked): void {
    this.shown = asked
  }

  readonly close = (): void => {
    this.shown = null
  }
}

export const dialogs = new Dialogs()
