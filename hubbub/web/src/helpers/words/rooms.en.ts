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
}
