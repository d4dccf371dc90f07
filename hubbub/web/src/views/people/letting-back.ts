/* Takes back that someone was put out of a room. */

import { CallError } from '../../models/calls'
import type { Sync } from '../../models/sync'
import { language } from '../language.svelte'
import { toasts } from '../ui/toasts.svelte'

export async function letBack(
  sync: Sync,
  target: { s: string; user: string },
  banned: boolean,
): Promise<void> {
  try {
    if (banned) await sync.call('member.unban', target)
    await sync.call('room.invite', target)
  } catch (error) {
    const code = error instanceof CallError ? error.code : 'internal'
    toasts.show({ text: language.words.refusal(code), problem: true })
  }
}
