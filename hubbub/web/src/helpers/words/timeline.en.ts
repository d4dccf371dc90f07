import { isolate, pluralOf } from '../words'

const plural = pluralOf('en')

const reasons: Record<string, string> = {
  too_long: 'This message is too long.',
  invalid: "This message can't be sent as it is.",
  not_member: "You aren't a member of this room any more.",
  forbidden: "You can't write in this room.",
  read_only: 'Only some people can write in this room.',
  archived: 'This room is closed.',
  muted: "You can't write here for a while.",
  banned: "You can't write in this room.",
  nonce_reuse: 'This message was mixed up with another one.',
}

export const en = {
  messagesIn: (room: string) => `Messages in ${isolate(room)}`,
  messageBy: (name: string, time: string) => `${isolate(name)}, ${time}`,
  announce: (name: string, text: string) => `${isolate(name)}: ${text}`,
  announceMany: (count: number) => plural(count, { one: '# new message', other: '# new messages' }),
  unread: (count: number) => plural(count, { one: '# unread message', other: '# unread messages' }),
  newMessages: (count: number) => plural(count, { one: '# new message', other: '# new messages' }),
  toLatest: 'To the latest message',
  loading: 'Loading messages…',
  loadingOlder: 'Loading older messages…',
  olderFailed: "Older messages didn't load.",
  beginning: (room: string) => `This is where ${isolate(room)} begins.`,
  emptyTitle: 'Say something',
  emptyText: "It's quiet here so far. The first word is yours.",
  edited: '(edited)',
  deleted: 'This message was deleted.',
  replies: (count: number) => plural(count, { one: '# reply', other: '# replies' }),
  sending: 'Sending…',
  waiting: 'Waiting for the connection…',
  failed: (code: string) => reasons[code] ?? "This message wasn't sent.",
}
