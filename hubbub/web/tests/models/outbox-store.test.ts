import { IDBFactory } from 'fake-indexeddb'
import { beforeEach, expect, test, vi } from 'vitest'
import type { Entry, OutboxStore } from '../../src/models/outbox'
import { MemoryStore, openOutboxStore, type Locks } from '../../src/models/outbox-store'

/** Web Locks of one browser: exclusive, in order of asking; pages give theirs up when they close. */
class Browser {
  readonly factory = new IDBFactory()
  #held = new Map<string, Promise<unknown>>()
  #pages = 0

  /** A new page; the returned function closes it. */
  page(): { locks: Locks; close: () => void } {
    const mine = new Set<string>()
    this.#pages += 1
    const locks: Locks = {
      request: async (name, hold) => {
        mine.add(name)
        const before = this.#held.get(name) ?? Promise.resolve()
        const held = before.then(hold)
        this.#held.set(name, held)
        return held.finally(() => {
          if (this.#held.get(name) === held) this.#held.delete(name)
        })
      },
      query: () => Promise.resolve({ held: [...this.#held.keys()].map((name) => ({ name })) }),
    }
    return { locks, close: () => mine.forEach((name) => this.#held.delete(name)) }
  }
}

let browser: Browser

const entry = (nonce: string, order = Date.now()): Entry => ({
  t: 'send',
  nonce,
  user: 'ann',
  stream: 'r',
  order,
  ts: 0,
  text: nonce,
  state: 'waiting',
})
const claimed = async (store: OutboxStore, user = 'ann') =>
  (await store.claim(user)).map(({ nonce }) => nonce)

beforeEach(() => {
  browser = new Browser()
})

test('a closed page leaves its entries to the next', async () => {
  const first = browser.page()
  const before = await openOutboxStore(browser.factory, first.locks)
  before.put(entry('one'))
  before.put({ ...entry('two'), state: 'failed', code: 'muted' })
  first.close()
  const after = await openOutboxStore(browser.factory, browser.page().locks)
  expect(await after.claim('ann')).toMatchObject([
    { nonce: 'one' },
    { nonce: 'two', state: 'failed', code: 'muted' },
  ])
})

test("a living page's entries are its own", async () => {
  const first = await openOutboxStore(browser.factory, browser.page().locks)
  first.put(entry('one'))
  const second = await openOutboxStore(browser.factory, browser.page().locks)
  expect(await claimed(second)).toEqual([])
  expect(await claimed(first)).toEqual([])
})

test('orphans go to one page only', async () => {
  const gone = browser.page()
  ;(await openOutboxStore(browser.factory, gone.locks)).put(entry('one'))
  const pages = [browser.page(), browser.page()]
  const stores = await Promise.all(pages.map(({ locks }) => openOutboxStore(browser.factory, locks)))
  gone.close()
  const both = await Promise.all(stores.map((store) => claimed(store)))
  expect(both.flat()).toEqual(['one'])
})

test('removed entries are gone', async () => {
  const first = browser.page()
  const store = await openOutboxStore(browser.factory, first.locks)
  store.put(entry('one'))
  store.put(entry('two'))
  store.remove('one')
  first.close()
  expect(await claimed(await openOutboxStore(browser.factory, browser.page().locks))).toEqual(['two'])
})

test("users don't see each other's", async () => {
  const first = browser.page()
  const store = await openOutboxStore(browser.factory, first.locks)
  store.put(entry('one'))
  store.put({ ...entry('two'), user: 'bo' })
  first.close()
  const next = await openOutboxStore(browser.factory, browser.page().locks)
  expect(await claimed(next, 'bo')).toEqual(['two'])
  await next.clear('bo')
  expect(await claimed(next)).toEqual(['one'])
})

test('very old entries are forgotten', async () => {
  const first = browser.page()
  const store = await openOutboxStore(browser.factory, first.locks)
  store.put({ ...entry('old', 1), user: 'bo' })
  await store.claim('ann')
  first.close()
  expect(await claimed(await openOutboxStore(browser.factory, browser.page().locks), 'bo')).toEqual([])
})

test('without locks a new page takes all, once', async () => {
  const first = await openOutboxStore(browser.factory, undefined)
  first.put(entry('one'))
  const second = await openOutboxStore(browser.factory, undefined)
  expect(await claimed(second)).toEqual(['one'])
  first.put(entry('two'))
  expect(await claimed(second)).toEqual([])
})

test('a database that fails later is done without', async () => {
  const databases: IDBDatabase[] = []
  const factory = {
    open: (...args: Parameters<IDBFactory['open']>) => {
      const request = browser.factory.open(...args)
      request.addEventListener('success', () => databases.push(request.result))
      return request
    },
  } as IDBFactory
  const store = await openOutboxStore(factory, browser.page().locks)
  databases[0]!.close()
  store.put(entry('one'))
  store.remove('one')
  await store.clear('ann')
  expect(await store.claim('ann')).toEqual([])
})

test('a database that never opens is done without', async () => {
  vi.useFakeTimers()
  const opened = openOutboxStore({ open: () => ({}) } as unknown as IDBFactory, undefined)
  await vi.advanceTimersByTimeAsync(2000)
  expect(await opened).toBeInstanceOf(MemoryStore)
  vi.useRealTimers()
})

test('a blocked database is done without', async () => {
  const blocked = {
    open: () => {
      throw new DOMException('', 'SecurityError')
    },
  } as unknown as IDBFactory
  const store = await openOutboxStore(blocked, undefined)
  expect(store).toBeInstanceOf(MemoryStore)
  store.put(entry('one'))
  expect(await store.claim('ann')).toEqual([])
})
