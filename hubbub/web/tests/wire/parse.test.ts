import { expect, test } from 'vitest'
import { parseFrame } from '../../src/wire/parse'

test.each(['{"t":"pong","new":1}', '{"t":"dance","s":"r_1"}', '{"t":"ping","heads":{"r_1":4}}'])(
  '%s is a frame',
  (text) => {
    expect(parseFrame(text)).toEqual(JSON.parse(text))
  },
)

test.each(['', '{', 'null', '[]', '7', '"t"', '{}', '{"t":1}'])('%j is not', (text) => {
  expect(parseFrame(text)).toBeNull()
})

test.each([
  '{"t":"ev","s":"r_1","q":"1","k":"pin","ts":0,"by":"u","d":{}}',
  '{"t":"ev","s":"r_1","q":1,"k":"pin","ts":0,"by":"u","d":[]}',
  '{"t":"ping","heads":4}',
  '{"t":"err","code":"internal","retry":true,"after":null}',
])('%s is not what its type says', (text) => {
  expect(parseFrame(text)).toBeNull()
})

test('what every object has is no type', () => {
  expect(parseFrame('{"t":"constructor"}')).toEqual({ t: 'constructor' })
})
