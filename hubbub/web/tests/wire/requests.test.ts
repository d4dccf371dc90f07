import { expect, test, vi } from 'vitest'
import { Requests } from '../../src/wire/requests'

const reply = () => ({ ok: vi.fn(), err: vi.fn() })

test('an answer goes to who asked', () => {
  const requests = new Requests()
  const [first, second] = [reply(), reply()]
  requests.add(first, 0)
  const id = requests.add(second, 0)
  requests.settle({ t: 'ok', id })
  expect(second.ok).toHaveBeenCalledOnce()
  expect(first.ok).not.toHaveBeenCalled()
})

test('a second answer is dropped', () => {
  const requests = new Requests()
  const asked = reply()
  const id = requests.add(asked, 0)
  const refusal = { t: 'err', id, code: 'invalid', msg: '', retry: false } as const
  requests.settle(refusal)
  requests.settle({ t: 'ok', id })
  expect(asked.err).toHaveBeenCalledExactlyOnceWith(refusal)
  expect(asked.ok).not.toHaveBeenCalled()
})

test('abandoned requests are told', () => {
  const requests = new Requests()
  const asked = reply()
  requests.add(asked, 0)
  requests.abandon()
  requests.abandon()
  expect(asked.err).toHaveBeenCalledExactlyOnceWith({ code: 'lost', retry: true })
})

test('the oldest is known', () => {
  const requests = new Requests()
  expect(requests.oldest).toBeUndefined()
  const id = requests.add(reply(), 5)
  requests.add(reply(), 9)
  expect(requests.oldest).toBe(5)
  requests.settle({ t: 'ok', id })
  expect(requests.oldest).toBe(9)
})
