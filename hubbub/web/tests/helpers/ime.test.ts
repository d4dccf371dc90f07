import { beforeEach, describe, expect, test } from 'vitest'
import { InputMethod } from '../../src/helpers/ime'

const enter = { key: 'Enter', keyCode: 13, isComposing: false }
let later: (() => void)[]
let method: InputMethod

beforeEach(() => {
  later = []
  method = new InputMethod((run) => later.push(run))
})

describe('E-05: the Enter of an input method is its own', () => {
  test('a plain Enter is for the page', () => {
    expect(method.owns(enter)).toBe(false)
  })

  test('Chromium and Gecko: Enter while composing', () => {
    method.start()
    expect(method.owns({ ...enter, isComposing: true, keyCode: 229 })).toBe(true)
    method.end()
    later.forEach((run) => run())
    expect(method.owns(enter)).toBe(false)
  })

  test('WebKit: Enter after compositionend in the same task', () => {
    method.start()
    method.end()
    expect(method.owns(enter)).toBe(true)
    later.forEach((run) => run())
    expect(method.owns(enter)).toBe(false)
  })

  test.each([
    { key: 'Process', keyCode: 0, isComposing: false },
    { key: 'Enter', keyCode: 229, isComposing: false },
    { key: 'Enter', keyCode: 13, isComposing: true },
  ])('%j belongs to the input method', (key) => {
    expect(method.owns(key)).toBe(true)
  })
})
