import { beforeEach, expect, test } from 'vitest'
import { pathOf, placeOf, Router, type Address, type Place } from '../../src/models/router'

/** A window with nothing but its history. */
class Window implements Address {
  paths = ['/']
  at = 0
  #moved = (): void => {}

  get path(): string {
    return this.paths[this.at]!
  }
  push(path: string): void {
    this.paths = [...this.paths.slice(0, this.at + 1), path]
    this.at += 1
  }
  replace(path: string): void {
    this.paths[this.at] = path
  }
  moved(run: () => void): void {
    this.#moved = run
  }
  back(): void {
    this.at -= 1
    this.#moved()
  }
}

let window: Window
let router: Router

beforeEach(() => {
  window = new Window()
  router = new Router(window)
})

test.each<[string, Place]>([
  ['/', {}],
  ['/r/r_tea', { room: 'r_tea' }],
  ['/r/r_tea/12', { room: 'r_tea', message: 12 }],
  ['/r/r_tea/t/12', { room: 'r_tea', thread: 12 }],
])('%s is a place', (path, place) => {
  expect(placeOf(path)).toEqual(place)
  expect(pathOf(place)).toBe(path)
})

test.each(['/r', '/r/', '/r/a b', '/r/a/b', '/r/a/t', '/r/a/1/2', '/x', '/r/' + 'a'.repeat(65)])(
  '%s is none',
  (path) => {
    expect(placeOf(path)).toEqual({})
  },
)

test('going somewhere can be taken back', () => {
  let told = 0
  router.observe(() => (told += 1))
  router.go({ room: 'a' })
  router.go({ room: 'b' })
  expect(window.path).toBe('/r/b')
  window.back()
  expect(router.place).toEqual({ room: 'a' })
  expect(told).toBe(3)
})

test('what was replaced is not come back to', () => {
  router.replace({ room: 'a' })
  router.go({ room: 'b' })
  window.back()
  expect(router.place).toEqual({ room: 'a' })
  expect(window.paths).toEqual(['/r/a', '/r/b'])
})

test('going to where one is leaves no trace', () => {
  router.go({ room: 'a' })
  router.go({ room: 'a' })
  expect(window.paths).toEqual(['/', '/r/a'])
})
