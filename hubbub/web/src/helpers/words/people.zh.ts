import type { en } from './people.en'
import { pluralOf } from '../words'

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
}
