import { isolate, pluralOf } from '../words'

const plural = pluralOf('en')

const reasons: Record<string, string> = {
  file_too_long: 'Too large',
  file_invalid: "Can't be read",
  storage_full: 'No room left',
  not_found: "The room isn't open to you",
  not_member: "You aren't in this room",
}

const sizes = ['B', 'KB', 'MB', 'GB']

export const en = {
  attach: 'Attach files',
  attached: 'Files to send',
  dropHere: 'Drop files to attach them',
  tooManyFiles: (most: number) =>
    `A message has at most ${plural(most, { one: '# file', other: '# files' })}.`,
  pastedAsFile: 'That was long: it will be sent as a file.',
  pastedName: 'pasted.txt',
  leaveOut: (name: string) => `Leave out ${isolate(name)}`,
  uploadAgain: (name: string) => `Upload ${isolate(name)} again`,
  uploading: 'Uploading…',
  uploadWaiting: 'Waiting…',
  uploadOffline: 'Waits for the connection',
  uploadFailed: (code: string) => reasons[code] ?? "Didn't upload",
  describe: (name: string) => `Describe ${isolate(name)}`,
  describeTitle: 'Describe the picture',
  describeLabel: 'For those who can’t see it',
  describeMark: 'ALT',
  picture: 'Picture',
  openPicture: (name: string) => `Open ${isolate(name)}`,
  download: 'Download',
  downloadFile: (name: string) => `Download ${isolate(name)}`,
  nextPicture: 'Next picture',
  previousPicture: 'Previous picture',
  zoomIn: 'Zoom in',
  zoomOut: 'Zoom out',
  pictureOf: (at: number, all: number) => `${at} of ${all}`,
  fileSize: (bytes: number) => {
    const step = bytes >= 1000 ? Math.min(3, Math.floor(Math.log10(bytes) / 3)) : 0
    const amount = bytes / 1000 ** step
    const digits = step > 0 && amount < 10 ? 1 : 0
    return `${new Intl.NumberFormat('en', { maximumFractionDigits: digits }).format(amount)} ${sizes[step]}`
  },
}
