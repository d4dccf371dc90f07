import type { en } from './people.en'
import { isolate, pluralOf } from '../words'

const plural = pluralOf('zh-CN')

export const zh: typeof en = {
  people: '成员',
  here: '在线',
  away: '不在线',
  you: '你',
  online: (count) => plural(count, { other: '# 人在线' }),
  states: { on: '在线', idle: '离开', dnd: '请勿打扰', off: '不在线' },
  showPeople: '显示成员',
  hidePeople: '收起成员',

  roles: { owner: '房主', moderator: '管理员', member: '成员' },
  actionsFor: (name) => `对${isolate(name)}的操作`,
  invitePeople: '邀请成员',
  inviteTo: (room) => `邀请成员到${isolate(room)}`,
  searchPeople: '按名字查找',
  invite: '邀请',
  inviteNamed: (name) => `邀请${isolate(name)}`,
  invited: '已邀请',
  unban: '允许回来',
  unbanNamed: (name) => `允许回来：${isolate(name)}`,
  isBanned: (name) => `${isolate(name)}被禁止进入这个房间。你可以允许其回来。`,
  nobodyToInvite: '你认识的人都已经在这里了。',
  kick: '移出房间',
  kickTitle: (name) => `将${isolate(name)}移出这个房间？`,
  kickText: '如果房间对所有人开放，或有人邀请，对方还可以回来。',
  kicked: (name) => `已移出${isolate(name)}`,
  ban: '禁止进入',
  banTitle: (name) => `禁止${isolate(name)}进入这个房间？`,
  banText: '对方会被移出，在房主或管理员允许之前不能回来。',
  banned: (name) => `已禁止${isolate(name)}进入`,
}
