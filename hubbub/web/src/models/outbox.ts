/*
 * What this page has to say and the server hasn't confirmed.
 *
 * 1. Entries are in the order of writing, and each keeps its nonce until it is
 *    confirmed or given up: that is what makes sending twice harmless.
 * 2. An entry is stored before it can be forgotten: it leaves the store only
 *    when the server has it or the author deletes it.
 * 3. A confirmed entry stays visible until its event arrives, so that it never
 *    vanishes in between.
 * 4. A change of a message that isn't there any more has nothing left to do, and
 *    is let go of; only a text is kept for its author.
 */

import type { Environment } from '../wire/environment'
import type * as wire from '../wire/frames.generated'
import type { Attached } from './attached'
import { Observable } from './observable'

/** `waiting` to be sent or answered; `acked` as number q; `failed` until the author decides. */
export type EntryState = 'waiting' | 'acked' | 'failed'

/** What there is to write: a message, or a change of one that is there. */
export type Write =
  /** Files that were chosen for it are `attached`, and `files` once the server has them. */
  | ({ t: 'send'; attached?: readonly Attached[] } & wire.Draft)
  | ({ t: 'edit' } & Pick<wire.Edit, 'm' | 'base'> & wire.NewText)
  | ({ t: 'del' } & Pick<wire.Delete, 'm'>)
  | ({ t: 'react' } & Pick<wire.React, 'm' | 'e' | 'on'>)
  | ({ t: 'pin' } & Pick<wire.Pin, 'm' | 'on'>)

interface Kept {
  nonce: string
  user: string
  stream: string
  /** Rises with each entry of a page, and across its reloads. */
  order: number
  ts: number
  state: EntryState
  /** Why it failed. */
  code?: string
  q?: number
}

export type Entry = Kept & Write
export type Post = Extract<Entry, { t: 'send' }>
export type ChangeEntry = Exclude<Entry, Post>

export function isPost(entry: Entry): entry is Post {
  return entry.t === 'send'
}

/** A refusal that another nonce may overcome. */
const SPOILT: readonly string[] = [
  'nonce_reuse',
  'edit_conflict',
  'upload_missing',
] satisfies wire.Err['code'][]

export interface OutboxStore {
  /** Entries of pages that are gone; from now on they are ours. */
  claim(user: string): Promise<Entry[]>
  put(entry: Entry): void
  remove(nonce: string): void
  clear(user: string): Promise<void>
}

export class Outbox extends Observable {
  #entries: Entry[] = []
  #order = 0

  constructor(
    private readonly user: string,
    private readonly store: OutboxStore,
    private readonly environment: Environment,
  ) {
    super()
  }

  /** Take over what pages of this user left behind. */
  async claim(): Promise<void> {
    const left = await this.store.claim(this.user)
    // Without locks, a store takes over even what this page put there meanwhile.
    const found = left.filter(({ nonce }) => !this.#find(nonce)).map(whole)
    if (found.length === 0) return
    this.#entries = [...this.#entries, ...found].sort((one, other) => one.order - other.order)
    this.changed()
  }

  add(stream: string, write: Write, ts: number): Entry {
    this.#order = Math.max(this.#order + 1, this.environment.now())
    const nonce = newNonce()
    const entry: Entry = {
      ...('text' in write ? { ...write, text: wellFormed(write.text) } : write),
      nonce,
      user: this.user,
      stream,
      order: this.#order,
      ts,
      state: 'waiting',
    }
    this.#entries.push(entry)
    this.store.put(entry)
    this.changed()
    return entry
  }

  /** The rooms that anything is for. */
  get streams(): string[] {
    return [...new Set(this.#entries.map(({ stream }) => stream))]
  }

  /** What the room shows after its messages. */
  of(stream: string): readonly Entry[] {
    return this.#entries.filter((entry) => entry.stream === stream)
  }

  /** The first that may be sent. */
  next(stream: string): Entry | undefined {
    return this.#entries.find((entry) => entry.stream === stream && entry.state === 'waiting')
  }

  /** The server has it: it needs no storing, only showing until its event comes. */
  confirm(nonce: string, q: number, ts: number): void {
    this.#change(nonce, { state: 'acked', q, ts })
    this.store.remove(nonce)
  }

  /** The server has the files of a message: it is stored before that is sent, so that it stays the same. */
  uploaded(nonce: string, files: string[]): void {
    const entry = this.#change(nonce, { files })
    if (entry) this.store.put(entry)
  }

  fail(nonce: string, code: string): void {
    const { t } = this.#find(nonce) ?? {}
    if (code === 'not_found' && t !== 'send' && t !== 'edit') return this.remove(nonce)
    const entry = this.#change(nonce, { state: 'failed', code })
    if (entry) this.store.put(entry)
  }

  /** Send a failed one again; under a new nonce when the old one is spoilt. */
  retry(nonce: string): void {
    const before = this.#find(nonce)
    const spoilt = before !== undefined && SPOILT.includes(before.code ?? '')
    if (spoilt) this.store.remove(nonce)
    // Who asks again for an edit that was crossed by another knows what it replaces.
    if (before?.t === 'edit' && spoilt) delete before.base
    // Files that the server has let go of can be handed to it again.
    if (before?.t === 'send' && before.code === 'upload_missing') delete before.files
    const entry = this.#change(nonce, { state: 'waiting', ...(spoilt && { nonce: newNonce() }) })
    if (entry) this.store.put(entry)
  }

  /** The room is numbered anew: what was to be changed there may be another message by now. */
  forsake(stream: string): void {
    for (const entry of this.of(stream)) {
      if (!isPost(entry) && entry.state === 'waiting') this.fail(entry.nonce, 'not_found')
    }
  }

  /** It is in the log now, or its author gave it up. */
  remove(nonce: string): void {
    if (!this.#find(nonce)) return
    this.#entries = this.#entries.filter((entry) => entry.nonce !== nonce)
    this.store.remove(nonce)
    this.changed()
  }

  async clear(): Promise<void> {
    this.#entries = []
    await this.store.clear(this.user)
    this.changed()
  }

  #find(nonce: string): Entry | undefined {
    return this.#entries.find((entry) => entry.nonce === nonce)
  }

  #change(nonce: string, change: Partial<Entry>): Entry | undefined {
    const entry = this.#find(nonce)
    if (!entry) return undefined
    Object.assign(entry, change)
    this.changed()
    return entry
  }
}

/** What a page kept that knew nothing to write but messages. */
function whole(entry: Entry): Entry {
  return { ...entry, t: entry.t ?? 'send' } as Entry
}

/** Text that UTF-8 can carry: half of a surrogate pair, which it can't, is replaced. */
function wellFormed(text: string): string {
  // Browsers have had the method only since 2023.
  return text.toWellFormed?.() ?? text.replace(/\p{Surrogate}/gu, '\ufffd')
}

/** 128 random bits in the alphabet nonces may have. */
export function newNonce(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}
