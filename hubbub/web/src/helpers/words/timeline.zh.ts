import type { en } from './timeline.en'
import { isolate, pluralOf } from '../words'

const plural = pluralOf('zh-CN')

const reasons: Record<string, string> = {
  too_long: '这条消息太长了。',
  invalid: '这条消息没法发送。',
  not_member: '你已不在这个房间里。',
  forbidden: '你不能在这个房间发言。',
  read_only: '这个房间只有部分人可以发言。',
  archived: '这个房间已关闭。',
  muted: '你暂时不能在这里发言。',
  banned: '你不能在这个房间发言。',
  nonce_reuse: '这条消息和另一条弄混了。',
}

export const zh: typeof en = {
  messagesIn: (room) => `${isolate(room)}的消息`,
  messageBy: (name, time) => `${isolate(name)}，${time}`,
  announce: (name, text) => `${isolate(name)}：${text}`,
  announceMany: (count) => plural(count, { other: '# 条新消息' }),
  unread: (count) => plural(count, { other: '# 条未读消息' }),
  newMessages: (count) => plural(count, { other: '# 条新消息' }),
  toLatest: '回到最新消息',
  loading: '正在载入消息…',
  loadingOlder: '正在载入更早的消息…',
  olderFailed: '更早的消息没能载入。',
  beginning: (room) => `${isolate(room)}从这里开始。`,
  emptyTitle: '说点什么吧',
  emptyText: '这里还很安静，第一句话由你来说。',
  edited: '（已编辑）',
  deleted: '这条消息已删除。',
  replies: (count) => plural(count, { other: '# 条回复' }),
  sending: '发送中…',
  waiting: '等待连接…',
  failed: (code) => reasons[code] ?? '这条消息没有发出去。',
}
