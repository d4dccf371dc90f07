/* What one may do with a room as a whole: the same wherever its menu opens. */

import Archive from '@lucide/svelte/icons/archive'
import ArchiveRestore from '@lucide/svelte/icons/archive-restore'
import EyeOff from '@lucide/svelte/icons/eye-off'
import Link from '@lucide/svelte/icons/link'
import LogOut from '@lucide/svelte/icons/log-out'
import Pencil from '@lucide/svelte/icons/pencil'
import Star from '@lucide/svelte/icons/star'
import StarOff from '@lucide/svelte/icons/star-off'
import UserRoundCheck from '@lucide/svelte/icons/user-round-check'
import UserRoundPlus from '@lucide/svelte/icons/user-round-plus'
import UserRoundX from '@lucide/svelte/icons/user-round-x'
import { remember } from '../../helpers/memory'
import { CallError } from '../../models/calls'
import { choiceOf, LEVELS, type Choice } from '../../models/choices'
import { moderates } from '../../models/rights'
import type { Room } from '../../models/room'
import { pathOf } from '../../models/router'
import { isTalk, otherIn } from '../../models/sections'
import type { Sync } from '../../models/sync'
import { copied } from '../clipboard'
import { dialogs } from '../dialogs.svelte'
import { language } from '../language.svelte'
import { router } from '../router'
import type { MenuItem } from '../ui/Menu.svelte'
import { toasts } from '../ui/toasts.svelte'

/** Only what one may do. */
export function roomItems(sync: Sync, room: Room): MenuItem[] {
  return [...ownItems(sync, room), ...sharedItems(sync, room)]
}

function ownItems(sync: Sync, room: Room): MenuItem[] {
  const { words } = language
  const { favourite, level } = choiceOf(sync.own, room.id)
  const keep = (change: Partial<Choice>) => (): void => void attempt(sync.choose(room.id, change))
  const hide: MenuItem = { name: words.hide, icon: EyeOff, apart: true, choose: () => hideTalk(sync, room) }
  return [
    {
      name: favourite ? words.removeFavourite : words.addFavourite,
      icon: favourite ? StarOff : Star,
      choose: keep({ favourite: !favourite }),
    },
    ...LEVELS.map((each, at) => ({
      name: words.levels[each],
      checked: each === level,
      apart: at === 0,
      choose: keep({ level: each }),
    })),
    ...(isTalk(room.info) ? [hide] : []),
  ]
}

function sharedItems(sync: Sync, room: Room): MenuItem[] {
  const { words } = language
  const { info } = room
  const talk = isTalk(info)
  const archived = info.archived !== undefined
  const keeps = !talk && moderates(info.role)
  const items: [MenuItem, boolean][] = [
    [
      { name: words.roomSettings, icon: Pencil, choose: () => dialogs.open({ kind: 'room', room }) },
      keeps && !archived,
    ],
    [
      {
        name: info.kind === 'group' ? words.addPeople : words.invitePeople,
        icon: UserRoundPlus,
        choose: () => dialogs.open({ kind: 'invite', room }),
      },
      (keeps && !archived) || info.kind === 'group',
    ],
    [{ name: words.copyLink, icon: Link, choose: () => void copyLink(room) }, !talk],
    [
      {
        name: archived ? words.unarchive : words.archive,
        icon: archived ? ArchiveRestore : Archive,
        choose: () => (archived ? bringBack(sync, room) : dialogs.open({ kind: 'archive', room })),
      },
      !talk && info.role === 'owner',
    ],
    ...blockItems(sync, room),
    [
      {
        name: talk ? words.leaveTalk : words.leaveRoom,
        icon: LogOut,
        danger: true,
        apart: true,
        choose: () => dialogs.open({ kind: 'leave', room }),
      },
      !talk || info.kind === 'group',
    ],
  ]
  const offered = items.filter(([, is]) => is).map(([item]) => item)
  return offered.map((item, at) => (at === 0 ? { ...item, apart: true } : item))
}

function blockItems(sync: Sync, room: Room): [MenuItem, boolean][] {
  const other = otherIn(room.info, sync.me.id)
  return other ? [[blockItem(sync, other), true]] : []
}

/** To block somebody, or no longer. */
export function blockItem(sync: Sync, user: { id: string; name: string }): MenuItem {
  const { words } = language
  return sync.own.blocks(user.id)
    ? { name: words.unblock, icon: UserRoundCheck, choose: () => void unblock(sync, user) }
    : {
        name: words.block,
        icon: UserRoundX,
        danger: true,
        choose: () => dialogs.open({ kind: 'block', user }),
      }
}

export async function unblock(sync: Sync, { id, name }: { id: string; name: string }): Promise<void> {
  const done = await attempt(sync.call('user.block', { user: id, on: false }))
  if (done) toasts.show({ text: language.words.unblocked(name) })
}

function bringBack(sync: Sync, room: Room): void {
  void attempt(sync.call('room.archive', { s: room.id, on: false }))
}

function hideTalk(sync: Sync, room: Room): void {
  void attempt(sync.choose(room.id, { hidden: room.log.last?.q ?? 0, favourite: false }))
  if (router.place.room !== room.id) return
  remember('room', null)
  router.replace({})
}

async function copyLink({ id }: Room): Promise<void> {
  const { words } = language
  const done = await copied(new URL(pathOf({ room: id }), location.href).href)
  toasts.show(done ? { text: words.linkCopied } : { text: words.linkNotCopied, problem: true })
}

async function attempt(doing: Promise<unknown>): Promise<boolean> {
  try {
    await doing
    return true
  } catch (error) {
    const code = error instanceof CallError ? error.code : 'internal'
    toasts.show({ text: language.words.refusal(code), problem: true })
    return false
  }
}
