import type { en } from './people.en'
import { isolate, pluralOf, sentence } from '../words'

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
  actionsFor: (name) => sentence`对${name}的操作`,
  invitePeople: '邀请成员',
  inviteTo: (room) => sentence`邀请成员到${room}`,
  searchPeople: '按名字查找',
  invite: '邀请',
  inviteNamed: (name) => sentence`邀请${name}`,
  invited: '已邀请',
  unban: '允许回来',
  unbanNamed: (name) => `允许回来：${isolate(name)}`,
  isBanned: (name) => sentence`${name}被禁止进入这个房间。你可以允许其回来。`,
  nobodyToInvite: '你认识的人都已经在这里了。',
  kick: '移出房间',
  kickTitle: (name) => sentence`将${name}移出这个房间？`,
  kickText: '如果房间对所有人开放，或有人邀请，对方还可以回来。',
  kicked: (name) => sentence`已移出${name}`,
  ban: '禁止进入',
  banTitle: (name) => sentence`禁止${name}进入这个房间？`,
  banText: '对方会被移出，在房主或管理员允许之前不能回来。',
  banned: (name) => sentence`已禁止${name}进入`,
}
