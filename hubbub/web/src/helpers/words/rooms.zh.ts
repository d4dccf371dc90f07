import type { en } from './rooms.en'

export const zh: typeof en = {
  lobby: '大厅',
  rooms: '房间',
  forbiddenTitle: '你进不了这个房间',
  forbiddenText: '请里面的人放你进来。',
}
