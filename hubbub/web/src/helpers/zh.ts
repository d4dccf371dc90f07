/* Every word of the page in Chinese. */

import type { Words } from './en'
import { isolate, pluralOf } from './words'

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

export const zh: Words = {
  language: '中文',
  tagline: '一间安静的聊天室。',

  nameTitle: '你好，怎么称呼？',
  nameLabel: '你的名字',
  namePlaceholder: '什么名字都行',
  nameEnter: '进入大厅',
  nameEntering: '正在开门…',
  nameHint: '不用注册，这个浏览器会记得你。',
  nameEmpty: '先写个名字吧。',
  nameTooLong: (most) => `名字最多 ${most} 个字。`,
  nameInvalid: '这个名字用不了，换一个不带特殊字符的试试。',
  nameTooMany: '刚才从你那里来的人太多了，过一分钟再试。',
  nameUnreachable: '连不上服务器。请检查网络后再试。',
  sessionEnded: '登录已失效，取个名字再回来吧。',

  unreachableTitle: '连不上服务器',
  unreachableText: '它可能正在重启，我们会继续尝试。',
  reload: '刷新',

  lobby: '大厅',
  rooms: '房间',
  people: '成员',
  here: '在线',
  away: '不在线',
  you: '你',
  online: (count) => plural(count, { other: '# 人在线' }),
  states: { on: '在线', idle: '离开', dnd: '请勿打扰', off: '不在线' },
  showPeople: '显示成员',
  hidePeople: '收起成员',
  showRooms: '显示房间',
  close: '关闭',
  toMessages: '跳到消息',

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
  forbiddenTitle: '你进不了这个房间',
  forbiddenText: '请里面的人放你进来。',
  edited: '（已编辑）',
  deleted: '这条消息已删除。',
  replies: (count) => plural(count, { other: '# 条回复' }),
  sending: '发送中…',
  waiting: '等待连接…',
  failed: (code) => reasons[code] ?? '这条消息没有发出去。',
  retry: '重试',
  remove: '删除',

  writeTo: (room) => `发消息到${isolate(room)}`,
  send: '发送',
  composerHint: 'Enter 发送 · Shift + Enter 换行',
  left: (count) => plural(count, { other: '还可以写 # 个字' }),
  over: (count) => plural(count, { other: '多了 # 个字' }),
  typing: (names) => {
    if (names.length > 3) return '好几个人正在输入…'
    // A name in Latin letters stands off from what follows.
    const space = /\p{Script=Han}$/u.test(names.at(-1) ?? '') ? '' : ' '
    return `${new Intl.ListFormat('zh-CN').format(names.map(isolate))}${space}正在输入…`
  },

  reconnecting: '连接断开了，正在重连…',
  unsent: '写下的话会留着，恢复后发出。',
  retryNow: '立即重试',
  backOnline: '已恢复连接',
  refused: '这个页面的版本太旧了。',

  settings: '设置',
  languageLabel: '语言',
  theme: '外观',
  themes: { system: '跟随系统', light: '浅色', dark: '深色' },
  rename: '名字',
  save: '保存',
  leave: '离开 hubbub',
  leaveText: '离开后就不再是这位访客了：浏览器会忘记你是谁。',
  leaveConfirm: '离开',
  leaveFailed: '服务器没有收到，请再试一次。',
  cancel: '取消',
}
