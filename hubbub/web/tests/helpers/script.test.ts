import { expect, test } from 'vitest'
import { HUES, hueOf } from '../../src/helpers/hue'
import { isCjk, initialOf, isMostlyHan, lengthOf } from '../../src/helpers/script'

test.each(['你好', '用 Python 写的服务器', '版本 v2.3 今天发布', '好'])('%s is mostly Chinese', (text) => {
  expect(isMostlyHan(text)).toBe(true)
})

test.each(['', 'hello', '123 🎉', 'the word 好 means good here', 'さようなら、ありがとう'])(
  '%s is not',
  (text) => {
    expect(isMostlyHan(text)).toBe(false)
  },
)

test.each([
  ['小林', '小'],
  ['ann', 'A'],
  ['  bo', 'B'],
  ['👩‍🚀 Mae', '👩‍🚀'],
  ['éa', 'É'],
  ['', '?'],
])('the initial of %j is %s', (name, initial) => {
  expect(initialOf(name).normalize('NFC')).toBe(initial)
})

test('length is in code points', () => {
  expect(lengthOf('a你🎉')).toBe(3)
})

test('hues are steady and spread', () => {
  const hues = Array.from({ length: 400 }, (_, n) => hueOf(`u_${n}`))
  expect(hueOf('u_1')).toBe(hueOf('u_1'))
  for (let hue = 0; hue < HUES; hue += 1)
    expect(hues.filter((other) => other === hue).length).toBeGreaterThan(20)
})

test.each([...'书。（あ한𠮷'])('%s stands without spaces', (character) => {
  expect(isCjk(character.codePointAt(0)!)).toBe(true)
})

test.each([...'aé1 .“🎉'])('%s does not', (character) => {
  expect(isCjk(character.codePointAt(0)!)).toBe(false)
})
