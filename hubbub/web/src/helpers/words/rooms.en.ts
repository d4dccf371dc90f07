import { isolate, pluralOf } from '../words'
import { en as refusals } from './refusals.en'

const plural = pluralOf('en')

export const en = {
  lobby: 'Lobby',
  rooms: 'Rooms',
  forbiddenTitle: 'This room is closed to you',
  forbiddenText: 'It may be private, or gone. Somebody who is in it can let you in.',
  elsewhere: 'To the other rooms',
  outsideTitle: "You aren't in this room",
  outsideText: 'It is open to everyone. Come in to read and write.',
  bannedTitle: 'You are banned from this room',
  bannedText: 'Only an owner or a moderator can let you back in.',
  join: 'Join',
  privateRoom: 'private',

  addRoom: 'Add a room',
  createRoom: 'Create a room',
  create: 'Create',
  roomNameLabel: 'Name',
  roomNamePlaceholder: 'Reading circle',
  topicLabel: 'Topic',
  topicHelp: 'What it is about. It stands beside the name.',
  visibilityLabel: 'Who may come in',
  visibilities: { public: 'Everyone', private: 'Invited people' },
  publicHelp: 'It stands in the list of rooms, and everyone may join.',
  privateHelp: 'Only who is in it knows of it. Others come in by invitation.',
  roomRefusal: (code: string) =>
    code === 'invalid'
      ? "This name can't be used. Write up to 80 characters on one line."
      : refusals.refusal(code),

  browseRooms: 'Browse rooms',
  searchRooms: 'Search by name or topic',
  loadingRooms: 'Loading rooms…',
  memberCount: (count: number) => plural(count, { one: '# member', other: '# members' }),
  open: 'Open',
  openNamed: (room: string) => `Open ${isolate(room)}`,
  joinNamed: (room: string) => `Join ${isolate(room)}`,
  nothingFound: 'Nothing found. Try other words.',
  switchTitle: 'Go to a room',
  switchLabel: 'A few letters of its name',

  roomActions: 'Room menu',
  roomSettings: 'Name, topic and access',
  copyLink: 'Copy link',
  linkCopied: 'Link copied',
  linkNotCopied: "The link couldn't be copied. Copy it from the address bar.",
  leaveRoom: 'Leave room',
  leaveRoomTitle: (room: string) => `Leave ${isolate(room)}?`,
  leavePublicText: 'You can come back any time.',
  leavePrivateText: 'It is private: somebody has to invite you to come back.',
  lastOwner: 'You are its only owner. Make somebody else an owner first, in the list of people.',
}
