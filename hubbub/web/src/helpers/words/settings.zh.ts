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
  leaveFailed: '服务器没有收到，请再试一次。',
}
