import type { en } from './common.en'

export const zh: typeof en = {
  language: '中文',
  reload: '刷新',
  close: '关闭',
  retry: '重试',
  remove: '删除',
  save: '保存',
  cancel: '取消',
  back: '返回',
  undo: '撤销',
  more: '更多',
  loadMore: '显示更多',
}
