import { pluralOf } from '../words'

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
}
