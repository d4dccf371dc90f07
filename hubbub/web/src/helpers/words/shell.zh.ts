import type { en } from './shell.en'

export const zh: typeof en = {
  showRooms: '显示房间',
  toMessages: '跳到消息',
  reconnecting: '连接断开了，正在重连…',
  unsent: '写下的话会留着，恢复后发出。',
  retryNow: '立即重试',
  backOnline: '已恢复连接',
  refused: '这个页面的版本太旧了。',
  partMissing: '页面的这一部分没能载入，请刷新页面。',
}
