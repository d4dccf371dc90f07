import { pluralOf, sentence } from '../words'
import { zh as refusals } from './refusals.zh'
import type { en } from './rooms.en'

const plural = pluralOf('zh-CN')

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

  addRoom: '添加房间',
  createRoom: '新建房间',
  create: '创建',
  roomNameLabel: '名称',
  roomNamePlaceholder: '读书会',
  topicLabel: '话题',
  topicHelp: '这个房间聊什么，会显示在名称旁边。',
  visibilityLabel: '谁可以进来',
  visibilities: { public: '所有人', private: '受邀的人' },
  publicHelp: '会列在房间目录里，谁都可以加入。',
  privateHelp: '只有里面的人知道它，别人要受邀才能进来。',
  roomRefusal: (code) =>
    code === 'invalid' ? '这个名称用不了，请写一行，最多 80 个字。' : refusals.refusal(code),

  browseRooms: '浏览房间',
  searchRooms: '按名称或话题查找',
  loadingRooms: '正在载入房间…',
  memberCount: (count) => plural(count, { other: '# 人' }),
  open: '打开',
  openNamed: (room) => sentence`打开${room}`,
  joinNamed: (room) => sentence`加入${room}`,
  nothingFound: '没有找到，换个词试试。',
  switchTitle: '转到房间',
  switchLabel: '输入名称中的几个字',

  roomActions: '房间菜单',
  roomSettings: '名称、话题和权限',
  copyLink: '复制链接',
  linkCopied: '链接已复制',
  linkNotCopied: '链接没能复制，请从地址栏复制。',
  leaveRoom: '离开房间',
  leaveRoomTitle: (room) => sentence`离开${room}？`,
  leavePublicText: '你随时可以再回来。',
  leavePrivateText: '这是私密房间，要有人邀请才能再回来。',
  lastOwner: '你是唯一的房主。请先在成员列表里让别人也成为房主。',
}
