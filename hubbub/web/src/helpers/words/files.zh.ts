import { en } from './files.en'
import { sentence } from '../words'

const reasons: Record<string, string> = {
  file_too_long: '文件太大',
  file_invalid: '无法读取',
  storage_full: '没有空间了',
  not_found: '这个房间没有对你开放',
  not_member: '你不在这个房间里',
}

export const zh: typeof en = {
  attach: '添加文件',
  attached: '待发送的文件',
  dropHere: '松开鼠标，添加文件',
  tooManyFiles: (most) => `一条消息最多 ${most} 个文件。`,
  pastedAsFile: '内容很长，将作为文件发送。',
  pastedName: '粘贴的文字.txt',
  leaveOut: (name) => sentence`去掉${name}`,
  uploadAgain: (name) => sentence`重新上传${name}`,
  uploading: '正在上传…',
  uploadWaiting: '等待中…',
  uploadOffline: '等待连接',
  uploadFailed: (code) => reasons[code] ?? '没有上传成功',
  describe: (name) => sentence`描述${name}`,
  describeTitle: '描述图片',
  describeLabel: '给看不到图片的人',
  describeMark: '描述',
  picture: '图片',
  openPicture: (name) => sentence`打开${name}`,
  download: '下载',
  downloadFile: (name) => sentence`下载${name}`,
  nextPicture: '下一张',
  previousPicture: '上一张',
  zoomIn: '放大',
  zoomOut: '缩小',
  pictureOf: (at, all) => `第 ${at} 张，共 ${all} 张`,
  fileSize: en.fileSize,
}
