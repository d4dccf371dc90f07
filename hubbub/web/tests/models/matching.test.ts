import { expect, test } from 'vitest'
import { matching, matchOf } from '../../src/models/matching'

const find = (typed: string, names: string[]) => matching(typed, names, (name) => name)

test('letters match in their order', () => {
  expect(find('rm', ['Reading room', 'Marble', 'room'])).toEqual(['room', 'Reading room'])
  expect(matchOf('xyz', 'Reading')).toBeNull()
})

test('what begins so comes first', () => {
  expect(find('tea', ['Steam', 'Green tea', 'Tea'])).toEqual(['Tea', 'Green tea', 'Steam'])
})

test('Chinese is found from any character on', () => {
  expect(find('书会', ['读书会', '书店', '读 书 会 议'])).toEqual(['读书会', '读 书 会 议'])
})

test('full-width letters and case make no difference', () => {
  expect(find('ＴＥＡ', ['tea'])).toEqual(['tea'])
})

test('nothing typed leaves all in their order', () => {
  expect(find(' ', ['b', 'a'])).toEqual(['b', 'a'])
})
