import type { en } from './timeline.en'
import { isolate, pluralOf, sentence } from '../words'

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
  upload_missing: '服务器上已没有这条消息的文件，重试会再次上传。',
  storage_full: '没有空间存放这些文件了，请删掉一些旧的，或联系管理者。',
  file_too_long: '有文件太大，请去掉它。',
  file_invalid: '有图片无法读取，请去掉它。',
}

const unsent = '这条消息没有发出去。'

const undone: Record<string, string> = {
  edit: '你的修改没有保存。',
  del: '消息没有删除。',
  react: '你的回应没有加上。',
  pin: '置顶没有改变。',
}

const whys: Record<string, string> = {
  edit_conflict: '你在别处也改了这条消息。',
  edit_expired: '现在已经不能改了。',
  not_found: '这条消息已删除。',
  forbidden: '你没有权限。',
  not_member: '你已不在这个房间里。',
  banned: '你已不在这个房间里。',
  archived: '这个房间已关闭。',
  too_long: '内容太长了。',
  invalid: '数量可能已经太多了。',
}

export const zh: typeof en = {
  messagesIn: (room) => sentence`${room}的消息`,
  messageBy: (name, time) => `${isolate(name)}，${time}`,
  announce: (name, text) => `${isolate(name)}：${text}`,
  announceMany: (count) => plural(count, { other: '# 条新消息' }),
  unread: (count) => plural(count, { other: '# 条未读消息' }),
  newMessages: (count) => plural(count, { other: '# 条新消息' }),
  toLatest: '回到最新消息',
  loading: '正在载入消息…',
  loadingOlder: '正在载入更早的消息…',
  olderFailed: '更早的消息没能载入。',
  beginning: (room) => sentence`${room}从这里开始。`,
  emptyTitle: '说点什么吧',
  emptyText: '这里还很安静，第一句话由你来说。',
  edited: '（已编辑）',
  deleted: '这条消息已删除。',
  replies: (count) => plural(count, { other: '# 条回复' }),
  codeIn: (language) => (language === undefined ? '代码' : `代码：${language}`),
  copyCode: '复制代码',
  table: '表格',
  sending: '发送中…',
  waiting: '等待连接…',
  failed: (code, kind = 'send') =>
    kind in undone ? `${undone[kind]}${whys[code] ?? ''}` : (reasons[code] ?? unsent),
  overwrite: '仍然保存',
  rewrite: '修改',
  discard: '放弃',

  someone: '某人',
  list: (names) => new Intl.ListFormat('zh-CN').format(names.map(isolate)),
  others: (count) => plural(count, { other: '另外 # 人' }),
  deeds: {
    react: '添加回应',
    reply: '回复',
    thread: '在话题中回复',
    edit: '编辑',
    pin: '置顶',
    unpin: '取消置顶',
    copy: '复制文字',
    link: '复制链接',
    reactors: '谁回应了',
    edits: '编辑记录',
    delete: '删除',
  },
  deedsOf: (name) => sentence`${name}的消息`,
  moreDeeds: '更多操作',
  reactBy: (emoji) => `用 ${emoji} 回应`,
  reactedBy: (emoji, names) => `${emoji}：${names}`,
  copied: '已复制',
  copyFailed: '浏览器不允许复制。',
  toQuoted: '跳到被回复的消息',
  quotedAbsent: '消息已不在这里',
  notHere: '这条消息已不在这里。',
  deleteTitle: '删除这条消息？',
  deleteText: '删除后谁也看不到它，包括以前的版本。',
  editsMore: '还有更早的版本。',
  thread: '话题',
  earlierReplies: '更早的回复',
  pinned: '已置顶',
  pins: (count) => plural(count, { other: '# 条置顶' }),
  pinsTitle: '置顶消息',
  pinsEmptyTitle: '还没有置顶消息',
  pinsEmptyText: '管理员可以在消息菜单里置顶。',
  showInRoom: '在房间中查看',
  mentions: (count) => plural(count, { other: '# 条消息提到你' }),
}
