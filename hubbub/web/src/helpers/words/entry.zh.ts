import type { en } from './entry.en'

export const zh: typeof en = {
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
}
