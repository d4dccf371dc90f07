import { expect, test } from 'vitest'
import { CallError, type Calls } from '../../src/models/calls'
import { Own } from '../../src/models/own'

const accepting = (async () => ({ q: 1, ts: 1 })) as unknown as Calls['call']
const refusing = (async () => {
  throw new CallError('too_long')
}) as unknown as Calls['call']

test('what is kept is what the server says', () => {
  const own = new Own()
  own.fill({ own: { 'pref.a': 1 } })
  own.apply({ key: 'pref.b', value: [2] })
  own.apply({ key: 'pref.a' })

  expect([own.get('pref.a'), own.get('pref.b')]).toEqual([undefined, [2]])
})

test('it is so at once, and taken back if the server refuses it', async () => {
  const own = new Own()
  await own.keep(accepting, 'pref.a', 1)
  const refused = own.keep(refusing, 'pref.a', 2)
  expect(own.get('pref.a')).toBe(2)
  await expect(refused).rejects.toThrow('too_long')
  expect(own.get('pref.a')).toBe(1)
})
