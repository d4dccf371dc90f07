import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { watchAttention } from '../../src/models/attention'

const listener = { present: vi.fn(), wake: vi.fn() }
const page = Object.assign(new EventTarget(), { visibilityState: 'visible' })
let stop: () => void

beforeEach(() => {
  vi.useFakeTimers()
  vi.resetAllMocks()
  vi.stubGlobal('window', new EventTarget())
  vi.stubGlobal('document', page)
  stop = watchAttention(listener)
})

afterEach(() => {
  stop()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

test('five quiet minutes are idle', () => {
  vi.advanceTimersByTime(5 * 60_000)
  expect(listener.present).toHaveBeenCalledExactlyOnceWith('idle')
})

test('any sign of life ends it', () => {
  vi.advanceTimersByTime(5 * 60_000)
  window.dispatchEvent(new Event('keydown'))
  expect(listener.present).toHaveBeenLastCalledWith('on')
})

test.each(['online', 'offline'])('%s looks after the connection', (name) => {
  window.dispatchEvent(new Event(name))
  expect(listener.wake).toHaveBeenCalledOnce()
})

test('so does coming back, but not going', () => {
  page.visibilityState = 'hidden'
  document.dispatchEvent(new Event('visibilitychange'))
  expect(listener.wake).not.toHaveBeenCalled()
  page.visibilityState = 'visible'
  document.dispatchEvent(new Event('visibilitychange'))
  expect(listener.wake).toHaveBeenCalledOnce()
})

test('a stopped watch is deaf', () => {
  stop()
  window.dispatchEvent(new Event('online'))
  vi.advanceTimersByTime(60 * 60_000)
  expect(listener.wake).not.toHaveBeenCalled()
  expect(listener.present).not.toHaveBeenCalled()
})
