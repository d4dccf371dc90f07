import { isolate, pluralOf } from '../words'

const plural = pluralOf('en')

export const en = {
  people: 'People',
  here: 'Here now',
  away: 'Away',
  you: 'you',
  online: (count: number) => plural(count, { one: '# here', other: '# here' }),
  states: { on: 'here', idle: 'idle', dnd: 'do not disturb', off: 'away' },
  showPeople: 'Show people',
  hidePeople: 'Hide people',

  roles: { owner: 'Owner', moderator: 'Moderator', member: 'Member' },
  actionsFor: (name: string) => `Actions for ${isolate(name)}`,
  invitePeople: 'Invite people',
  inviteTo: (room: string) => `Invite people to ${isolate(room)}`,
  searchPeople: 'Search by name',
  invite: 'Invite',
  inviteNamed: (name: string) => `Invite ${isolate(name)}`,
  invited: 'Invited',
  unban: 'Let back in',
  unbanNamed: (name: string) => `Let back in: ${isolate(name)}`,
  isBanned: (name: string) => `${isolate(name)} is banned from this room. You can let them back in.`,
  nobodyToInvite: 'Everybody you know of is here already.',
  kick: 'Remove from the room',
  kickTitle: (name: string) => `Remove ${isolate(name)} from this room?`,
  kickText: 'They may come back if the room is open to everyone, or if somebody invites them.',
  kicked: (name: string) => `${isolate(name)} was removed`,
  ban: 'Ban from the room',
  banTitle: (name: string) => `Ban ${isolate(name)} from this room?`,
  banText: "They are put out, and can't come back until an owner or a moderator lets them.",
  banned: (name: string) => `${isolate(name)} was banned`,
}
