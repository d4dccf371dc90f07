import { expect, test } from 'vitest'
import { parseFrame } from '../../src/wire/frames'

test('an object with a type is a frame', () => {
  expect(parseFrame('{"t":"pong","new":1}')).toEqual({ t: 'pong', new: 1 })
})

test.each(['', '{', 'null', '[]', '7', '"t"', '{}', '{"t":1}'])('%j is not', (text) => {
  expect(parseFrame(text)).toBeNull()
})
