import { isolate, pluralOf } from '../words'

const plural = pluralOf('en')

export const en = {
  writeTo: (room: string) => `Message ${isolate(room)}`,
  writeToThread: 'Reply in this thread',
  send: 'Send',
  replyingTo: (name: string) => `Replying to ${isolate(name)}`,
  editing: 'Editing',
  editingHint: 'Enter saves · Esc cancels',
  composerHint: 'Enter sends · Shift + Enter for a new line',
  fenceHint: 'In code, Enter is a new line · Ctrl + Enter sends',
  left: (count: number) => plural(count, { one: '# character left', other: '# characters left' }),
  over: (count: number) => plural(count, { one: '# character too many', other: '# characters too many' }),
  typing: (names: string[]) => {
    if (names.length > 3) return 'Several people are typing…'
    const list = new Intl.ListFormat('en').format(names.map(isolate))
    return names.length === 1 ? `${list} is typing…` : `${list} are typing…`
  },
}
