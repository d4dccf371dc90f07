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
  upload_missing: 'A file of this message is no longer on the server. Retry uploads it again.',
  storage_full: 'There is no room left for its files. Delete old ones, or ask the administrator.',
  file_too_long: 'A file is too large. Leave it out.',
  file_invalid: "A picture can't be read. Leave it out.",
}

const unsent = "This message wasn't sent."

const undone: Record<string, string> = {
  edit: "Your edit wasn't saved.",
  del: "The message wasn't deleted.",
  react: "Your reaction wasn't added.",
  pin: "That pin wasn't changed.",
}

const whys: Record<string, string> = {
  edit_conflict: 'You changed the message elsewhere meanwhile.',
  edit_expired: 'It is too late for that.',
  not_found: 'The message was deleted.',
  forbidden: 'You may not do this here.',
  not_member: "You aren't a member of this room any more.",
  banned: "You aren't a member of this room any more.",
  archived: 'This room is closed.',
  too_long: 'It is too long.',
  invalid: 'There may be too many already.',
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
  codeIn: (language: string | undefined) => (language === undefined ? 'Code' : `Code: ${language}`),
  copyCode: 'Copy code',
  table: 'Table',
  sending: 'Sending…',
  waiting: 'Waiting for the connection…',
  failed: (code: string, kind = 'send') =>
    kind in undone ? `${undone[kind]} ${whys[code] ?? ''}`.trim() : (reasons[code] ?? unsent),
  overwrite: 'Overwrite it',
  rewrite: 'Edit',
  discard: 'Discard',

  someone: 'Someone',
  list: (names: string[]) => new Intl.ListFormat('en').format(names.map(isolate)),
  others: (count: number) => plural(count, { one: '# other', other: '# others' }),
  deeds: {
    react: 'React',
    reply: 'Reply',
    thread: 'Reply in thread',
    edit: 'Edit',
    pin: 'Pin',
    unpin: 'Unpin',
    copy: 'Copy text',
    link: 'Copy link',
    reactors: 'Who reacted',
    edits: 'Earlier versions',
    delete: 'Delete',
  },
  deedsOf: (name: string) => `Message by ${isolate(name)}`,
  moreDeeds: 'More actions',
  reactBy: (emoji: string) => `React with ${emoji}`,
  reactedBy: (emoji: string, names: string) => `${emoji}: ${names}`,
  copied: 'Copied',
  copyFailed: "The browser doesn't allow copying.",
  toQuoted: 'To the message that this answers',
  quotedAbsent: "A message that isn't here any more",
  notHere: "This message isn't here any more.",
  deleteTitle: 'Delete this message?',
  deleteText: 'Nobody will be able to read it any more, nor any of its earlier versions.',
  editsMore: 'There are more, older versions.',
  thread: 'Thread',
  earlierReplies: 'Earlier replies',
  pinned: 'Pinned',
  pins: (count: number) => plural(count, { one: '# pinned', other: '# pinned' }),
  pinsTitle: 'Pinned messages',
  pinsEmptyTitle: 'Nothing is pinned',
  pinsEmptyText: 'Moderators can pin a message from its menu.',
  showInRoom: 'Show in the room',
  mentions: (count: number) =>
    plural(count, { one: '# message mentions you', other: '# messages mention you' }),
}
