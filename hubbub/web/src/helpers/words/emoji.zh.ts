import type { en } from './emoji.en'

export const zh: typeof en = {
  emoji: '表情',
  emojiSearch: '搜索表情',
  emojiMore: '更多表情',
  emojiRecent: '最近使用',
  emojiGroups: ['笑脸', '人物', '动物与自然', '食物', '地点', '活动', '物品', '符号', '旗帜'],
  emojiNone: '没有这样的表情',
}
