import type { en } from './rooms.en'

export const zh: typeof en = {
  lobby: '大厅',
  rooms: '房间',
  forbiddenTitle: '你进不了这个房间',
  forbiddenText: '它可能是私密的，也可能已经不在了。可以请里面的人邀请你。',
  elsewhere: '去别的房间',
  outsideTitle: '你不在这个房间里',
  outsideText: '它对所有人开放，加入后就能看到消息、参与聊天。',
  bannedTitle: '你被禁止进入这个房间',
  bannedText: '只有房主或管理员能让你回来。',
  join: '加入',
  privateRoom: '私密',
}
