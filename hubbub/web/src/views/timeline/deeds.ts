/* What may be done with a message, as menus and keys offer it. */

import Copy from '@lucide/svelte/icons/copy'
import History from '@lucide/svelte/icons/history'
import Link2 from '@lucide/svelte/icons/link-2'
import MessageSquareText from '@lucide/svelte/icons/message-square-text'
import Pencil from '@lucide/svelte/icons/pencil'
import Pin from '@lucide/svelte/icons/pin'
import PinOff from '@lucide/svelte/icons/pin-off'
import Reply from '@lucide/svelte/icons/reply'
import SmilePlus from '@lucide/svelte/icons/smile-plus'
import Trash2 from '@lucide/svelte/icons/trash-2'
import UsersRound from '@lucide/svelte/icons/users-round'
import type { Deed } from '../../models/permitted'
import type { MenuItem } from '../ui/Menu.svelte'

export const ICONS: Record<Deed, NonNullable<MenuItem['icon']>> = {
  react: SmilePlus,
  reply: Reply,
  thread: MessageSquareText,
  edit: Pencil,
  pin: Pin,
  unpin: PinOff,
  copy: Copy,
  link: Link2,
  reactors: UsersRound,
  edits: History,
  delete: Trash2,
}

/** What stands in the bar itself, where there is room for it. */
export const QUICK: readonly Deed[] = ['react', 'reply', 'thread', 'edit']

/** The keys of a message that has the focus. */
export const KEYS: Readonly<Record<string, readonly Deed[]>> = {
  r: ['reply'],
  e: ['edit'],
  p: ['pin', 'unpin'],
}

/** The reactions that are offered first. */
export const FREQUENT = ['👍', '❤️', '😂', '🎉', '😮', '🙏']
