import type { en } from './composer.en'
import { isolate, pluralOf, sentence } from '../words'

const plural = pluralOf('zh-CN')

export const zh: typeof en = {
  writeTo: (room) => sentence`发消息到${room}`,
  writeToThread: '在话题中回复',
  send: '发送',
  replyingTo: (name) => `回复 ${isolate(name)}`,
  editing: '正在编辑',
  editingHint: 'Enter 保存 · Esc 取消',
  composerHint: 'Enter 发送 · Shift + Enter 换行',
  fenceHint: '代码中 Enter 换行 · Ctrl + Enter 发送',
  left: (count) => plural(count, { other: '还可以写 # 个字' }),
  over: (count) => plural(count, { other: '多了 # 个字' }),
  typing: (names) => {
    if (names.length > 3) return '好几个人正在输入…'
    // A name in Latin letters stands off from what follows.
    const space = /\p{Script=Han}$/u.test(names.at(-1) ?? '') ? '' : ' '
    return `${new Intl.ListFormat('zh-CN').format(names.map(isolate))}${space}正在输入…`
  },
}
