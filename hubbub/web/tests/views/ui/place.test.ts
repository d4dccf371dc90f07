import { expect, test } from 'vitest'
import { placed } from '../../../src/views/ui/place'

const FRAME = { width: 400, height: 300 }
const SIZE = { width: 120, height: 100 }

function box(left: number, top: number) {
  return { left, top, right: left + 40, bottom: top + 40 }
}

test('it stands below, by the edge that was asked for', () => {
  expect(placed(box(100, 20), SIZE, FRAME, 'start')).toEqual([100, 64])
  expect(placed(box(200, 20), SIZE, FRAME, 'end')).toEqual([120, 64])
})

test('where there is more room it stands above', () => {
  expect(placed(box(100, 200), SIZE, FRAME, 'start')).toEqual([100, 96])
})

test('it never leaves the window', () => {
  expect(placed(box(350, 20), SIZE, FRAME, 'start')).toEqual([272, 64])
  expect(placed(box(0, 20), SIZE, FRAME, 'end')).toEqual([8, 64])
  expect(placed(box(0, 140), { width: 500, height: 400 }, FRAME, 'start')).toEqual([8, 8])
})
