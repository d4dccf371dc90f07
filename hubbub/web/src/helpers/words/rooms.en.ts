export const en = {
  lobby: 'Lobby',
  rooms: 'Rooms',
  forbiddenTitle: 'This room is closed to you',
  forbiddenText: 'Somebody who is in it can let you in.',
}
