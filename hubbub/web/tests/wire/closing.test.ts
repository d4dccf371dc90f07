import { expect, test } from 'vitest'
import { endingOf } from '../../src/wire/closing'

test.each([undefined, 1000, 1001, 1006, 1011, 1012, 4000, 4006, 4042, 4200])('%s is to resume', (code) => {
  expect(endingOf(code, null)).toBeNull()
})

test.each([1002, 1007, 1009, 4400, 4429, 4442])('%i is never again', (code) => {
  expect(endingOf(code, null)).toBe('refused')
})

test.each([4100, 4101, 4142, 4401, 4403])('%i is another session', (code) => {
  expect(endingOf(code, null)).toBe('reauth')
})

test.each([
  [4000, 'never', 'refused'],
  [4000, 'reauth', 'reauth'],
  [4403, 'never', 'reauth'],
  [4401, 'resume', null],
] as const)('whatever the code, the goodbye is right: %i %s', (code, retry, ending) => {
  expect(endingOf(4400, { t: 'bye', code, why: '', retry })).toBe(ending)
})
