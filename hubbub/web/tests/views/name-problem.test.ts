import { expect, test } from 'vitest'
import { en } from '../../src/helpers/en'
import { zh } from '../../src/helpers/zh'
import { explainRefusal } from '../../src/views/name-problem'

test.each([en, zh])('each refusal has its own words', (words) => {
  expect(explainRefusal('unreachable', words)).toBe(words.nameUnreachable)
  expect(explainRefusal('too_many_requests', words)).toBe(words.nameTooMany)
  expect(explainRefusal('invalid', words)).toBe(words.nameInvalid)
  expect(explainRefusal('forbidden', words)).toBe(words.nameInvalid)
})
