import { sentence } from '../words'
import type { en } from './settings.en'

export const zh: typeof en = {
  settings: '设置',
  languageLabel: '语言',
  theme: '外观',
  themes: { system: '跟随系统', light: '浅色', dark: '深色' },
  rename: '名字',
  leave: '离开 hubbub',
  leaveText: '离开后就不再是这位访客了：浏览器会忘记你是谁。',
  leaveConfirm: '离开',
  signOutText: '退出后要重新登录才能回来，还没发出的内容会丢失。',
  leaveFailed: '服务器没有收到，请再试一次。',

  sessions: '登录的设备',
  device: (program, system) => (system === undefined ? program : `${system} 上的 ${program}`),
  unknownDevice: '未说明的程序',
  thisDevice: '当前设备',
  lastUsed: (when) => `${when}用过`,
  signOut: '退出登录',
  signOutOf: (device) => sentence`让${device}退出登录`,
  signedOut: (device) => sentence`${device}已退出登录`,
}
