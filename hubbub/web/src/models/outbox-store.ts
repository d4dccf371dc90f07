/*
 * Where unsent messages survive a reload: IndexedDB, shared by all pages of
 * this browser, each entry marked with the page that sends it.
 *
 * A page holds a Web Lock in its own name as long as it lives; an entry whose
 * page holds none is an orphan, and whoever claims first takes it over.  Two
 * pages sending one entry would still be harmless, as the nonce is the same.
 *
 * 1. An entry belongs to at most one living page.
 * 2. Taking over happens in one transaction, under one lock.
 *
 * Without Web Locks (a page that isn't served securely) only a page that has
 * just been opened takes over, and takes everything.  Without IndexedDB, and
 * after it fails, the outbox lives as long as the page: that a browser doesn't
 * store is no reason not to send.
 */

import type { Entry, OutboxStore } from './outbox'

const DATABASE = 'hubbub'
const STORE = 'outbox'
const CLAIM_LOCK = 'hubbub-claim'
const PAGE_LOCK = 'hubbub-page-'
/** Entries of guests who never came back are forgotten after 30 days. */
const KEEP = 30 * 24 * 3600 * 1000
/** A database that takes longer to open may never open. */
const PATIENCE = 2000

type Stored = Entry & { page: string }

/** The part of `navigator.locks` that is used. */
export interface Locks {
  request<T>(name: string, hold: () => Promise<T>): Promise<T>
  query(): Promise<{ held?: { name?: string }[] }>
}

export class MemoryStore implements OutboxStore {
  claim(): Promise<Entry[]> {
    return Promise.resolve([])
  }
  put(): void {}
  remove(): void {}
  clear(): Promise<void> {
    return Promise.resolve()
  }
}

export class IndexedStore implements OutboxStore {
  readonly #page = crypto.getRandomValues(new Uint32Array(2)).join('-')
  #claimed = false

  constructor(
    private readonly database: IDBDatabase,
    private readonly locks: Locks | undefined,
  ) {
    locks?.request(PAGE_LOCK + this.#page, () => new Promise<never>(() => {})).catch(() => {})
  }

  async claim(user: string): Promise<Entry[]> {
    try {
      if (this.locks) {
        return await this.locks.request(CLAIM_LOCK, async () => this.#takeOver(user, await this.#living()))
      }
      if (this.#claimed) return []
      this.#claimed = true
      return await this.#takeOver(user, new Set())
    } catch {
      return []
    }
  }

  put(entry: Entry): void {
    this.#write((store) => store.put({ ...entry, page: this.#page } satisfies Stored))
  }

  remove(nonce: string): void {
    this.#write((store) => store.delete(nonce))
  }

  async clear(user: string): Promise<void> {
    try {
      const store = this.#store()
      const entries = await done<Stored[]>(store.getAll())
      for (const entry of entries) if (entry.user === user) store.delete(entry.nonce)
    } catch {
      return
    }
  }

  async #takeOver(user: string, living: ReadonlySet<string>): Promise<Entry[]> {
    const store = this.#store()
    const entries = await done<Stored[]>(store.getAll())
    const orphans = entries.filter((entry) => entry.user === user && !living.has(entry.page))
    for (const entry of orphans) store.put({ ...entry, page: this.#page })
    for (const entry of entries) if (entry.order < Date.now() - KEEP) store.delete(entry.nonce)
    return orphans.map(({ page: _page, ...entry }) => entry)
  }

  async #living(): Promise<ReadonlySet<string>> {
    const { held = [] } = (await this.locks?.query()) ?? {}
    const pages = held.flatMap(({ name }) =>
      name?.startsWith(PAGE_LOCK) ? [name.slice(PAGE_LOCK.length)] : [],
    )
    return new Set([...pages, this.#page])
  }

  #write(change: (store: IDBObjectStore) => IDBRequest): void {
    try {
      const store = this.#store()
      change(store)
      // The page may be closing: don't wait for the event loop to commit.
      store.transaction.commit()
    } catch {
      return
    }
  }

  #store(): IDBObjectStore {
    return this.database.transaction(STORE, 'readwrite').objectStore(STORE)
  }
}

/** Open the store; where the browser keeps nothing, one that forgets with the page. */
export async function openOutboxStore(
  factory: IDBFactory | undefined,
  locks: Locks | undefined,
): Promise<OutboxStore> {
  const slow = new Promise<null>((resolve) => setTimeout(() => resolve(null), PATIENCE))
  try {
    const database = factory ? await Promise.race([openDatabase(factory), slow]) : null
    return database ? new IndexedStore(database, locks) : new MemoryStore()
  } catch {
    return new MemoryStore()
  }
}

function openDatabase(factory: IDBFactory): Promise<IDBDatabase> {
  const request = factory.open(DATABASE, 1)
  request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: 'nonce' })
  return done(request)
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new Error('IndexedDB failed'))
  })
}
