/* Every word of the page in English, and the shape that other languages fill. */

import { isolate, pluralOf } from './words'

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
  language: 'English',
  tagline: 'A calm room for conversation.',

  nameTitle: 'Hello. What should we call you?',
  nameLabel: 'Your name',
  namePlaceholder: 'Any name, in any script',
  nameEnter: 'Enter the lobby',
  nameEntering: 'Opening the door…',
  nameHint: 'No sign-up. This browser remembers you.',
  nameEmpty: 'Write a name first.',
  nameTooLong: (most: number) => `A name has at most ${most} characters.`,
  nameInvalid: "This name can't be used. Try one without special characters.",
  nameTooMany: 'Too many people have just arrived from where you are. Try again in a minute.',
  nameUnreachable: "The server can't be reached. Check the network and try again.",
  sessionEnded: 'Your session has ended. Choose a name to come back.',

  unreachableTitle: "Can't reach the server",
  unreachableText: 'It may be restarting. We keep trying.',
  reload: 'Reload',

  lobby: 'Lobby',
  rooms: 'Rooms',
  people: 'People',
  here: 'Here now',
  away: 'Away',
  you: 'you',
  online: (count: number) => plural(count, { one: '# here', other: '# here' }),
  states: { on: 'here', idle: 'idle', dnd: 'do not disturb', off: 'away' },
  showPeople: 'Show people',
  hidePeople: 'Hide people',
  showRooms: 'Show rooms',
  close: 'Close',
  toMessages: 'Skip to the messages',

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
  forbiddenTitle: 'This room is closed to you',
  forbiddenText: 'Somebody who is in it can let you in.',
  edited: '(edited)',
  deleted: 'This message was deleted.',
  replies: (count: number) => plural(count, { one: '# reply', other: '# replies' }),
  sending: 'Sending…',
  waiting: 'Waiting for the connection…',
  failed: (code: string) => reasons[code] ?? "This message wasn't sent.",
  retry: 'Retry',
  remove: 'Delete',

  writeTo: (room: string) => `Message ${isolate(room)}`,
  send: 'Send',
  composerHint: 'Enter sends · Shift + Enter for a new line',
  left: (count: number) => plural(count, { one: '# character left', other: '# characters left' }),
  over: (count: number) => plural(count, { one: '# character too many', other: '# characters too many' }),
  typing: (names: string[]) => {
    if (names.length > 3) return 'Several people are typing…'
    const list = new Intl.ListFormat('en').format(names.map(isolate))
    return names.length === 1 ? `${list} is typing…` : `${list} are typing…`
  },

  reconnecting: 'Connection lost. Reconnecting…',
  unsent: 'What you write is kept and sent on return.',
  retryNow: 'Retry now',
  backOnline: 'Back online',
  refused: 'This page is out of date.',

  settings: 'Settings',
  languageLabel: 'Language',
  theme: 'Appearance',
  themes: { system: 'System', light: 'Light', dark: 'Dark' },
  rename: 'Name',
  save: 'Save',
  leave: 'Leave hubbub',
  leaveText: 'You leave as this guest for good: this browser forgets who you were.',
  leaveConfirm: 'Leave',
  leaveFailed: "That didn't reach the server. Try again.",
  cancel: 'Cancel',
}

export type Words = typeof en
