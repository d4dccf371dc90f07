/*
 * Files on their way to the server.
 *
 * 1. A file is uploaded once: whoever waits for it waits for the same.
 * 2. What fails because nobody can be reached, or the server asks for patience,
 *    goes on by itself; anything else waits for the reader.
 * 3. So many are under way at once; the others wait in the order of choosing.
 * 4. What the reader says of a picture is with the server before anybody is
 *    told that it is done.
 */

import { backoff } from '../wire/backoff'
import type { Environment } from '../wire/environment'
import type * as wire from '../wire/frames.generated'
import type { Attached } from './attached'
import { Observable } from './observable'

/** What a request to upload ends in: what the server made of it, or why it didn't. */
export type Uploaded = { file: wire.FileInfo } | { code: string; retry: boolean; after?: number }

/** The HTTP that is needed. */
export interface Carrier {
  /** Hand a file over; returns what calls it off. */
  upload(
    room: string,
    attached: Attached,
    sent: (bytes: number) => void,
    done: (end: Uploaded) => void,
  ): () => void
  describe(id: string, alt: string): Promise<boolean>
  discard(id: string): void
}

/** Where no file can be handed over. */
export const NOBODY: Carrier = {
  upload: (_room, _attached, _sent, done) => {
    done({ code: 'unavailable', retry: false })
    return () => {}
  },
  describe: () => Promise.resolve(false),
  discard: () => {},
}

/** `waiting` for its turn or the server, `sending`, `done`, or `failed` until the reader decides. */
export type UploadState = 'waiting' | 'sending' | 'done' | 'failed'

export interface Upload {
  readonly room: string
  readonly attached: Attached
  state: UploadState
  /** How much of it has left, from 0 to 1. */
  sent: number
  code?: string
  file?: wire.FileInfo
}

interface Job extends Upload {
  failures: number
  /** Calls off what is under way, or the wait for the next time. */
  cancel: (() => void) | null
  waiting: { resolve: (file: wire.FileInfo) => void; reject: (code: string) => void }[]
}

const AT_ONCE = 2
/** How many of one's own files needn't be asked for again to be shown. */
const KEPT = 50

export class Uploads extends Observable {
  /** The most bytes that the server takes as one file; unknown until it says so. */
  limit = Infinity
  readonly #jobs = new Map<string, Job>()
  #online = false

  constructor(
    private readonly carrier: Carrier,
    private readonly environment: Pick<Environment, 'after' | 'random'>,
  ) {
    super()
  }

  /** Upload a file, unless that is under way. */
  begin(room: string, attached: Attached): void {
    if (this.#jobs.has(attached.key)) return
    const state = attached.blob.size > this.limit ? 'failed' : 'waiting'
    const job: Job = { room, attached, state, sent: 0, failures: 0, cancel: null, waiting: [] }
    if (state === 'failed') job.code = 'file_too_long'
    this.#jobs.set(attached.key, job)
    this.#go()
  }

  of(key: string): Readonly<Upload> | undefined {
    return this.#jobs.get(key)
  }

  /** What the server has as this file, if it came from this page a while ago. */
  blobOf(id: string): Blob | undefined {
    return [...this.#jobs.values()].find(({ file }) => file?.id === id)?.attached.blob
  }

  /** The server's word on a file, once it has it; rejects with the code for which it doesn't take it. */
  wait(room: string, attached: Attached): Promise<wire.FileInfo> {
    this.begin(room, attached)
    const job = this.#jobs.get(attached.key)!
    return new Promise((resolve, reject) => {
      if (job.state === 'done') resolve(job.file!)
      else if (job.state === 'failed') reject(job.code)
      else job.waiting.push({ resolve, reject })
    })
  }

  /** Say in words what a file shows. */
  describe(key: string, alt: string): void {
    const job = this.#jobs.get(key)
    if (!job || job.attached.alt === alt) return
    job.attached.alt = alt
    if (job.state === 'done') void this.#finish(job)
    this.changed()
  }

  retry(key: string): void {
    const job = this.#jobs.get(key)
    if (job?.state !== 'failed') return
    job.state = 'waiting'
    delete job.code
    this.#go()
  }

  /** Call it off, and let the server forget what it has of it. */
  cancel(key: string): void {
    const job = this.#jobs.get(key)
    this.forget(key)
    if (job?.file) this.carrier.discard(job.file.id)
  }

  /** It is with the server, in a message. */
  forget(key: string): void {
    const job = this.#jobs.get(key)
    this.#jobs.delete(key)
    job?.cancel?.()
    for (const { reject } of job?.waiting ?? []) reject('lost')
    this.#go()
  }

  /** The server can be reached, or no longer. */
  reach(online: boolean): void {
    if (this.#online === online) return
    this.#online = online
    for (const job of this.#jobs.values()) {
      if (job.state !== 'waiting') continue
      job.cancel?.()
      job.cancel = null
    }
    this.#go()
  }

  #go(): void {
    const jobs = [...this.#jobs.values()]
    let free = AT_ONCE - jobs.filter(({ state }) => state === 'sending').length
    for (const job of jobs) {
      if (!this.#online || free <= 0) break
      if (job.state !== 'waiting' || job.cancel) continue
      free -= 1
      this.#start(job)
    }
    this.changed()
  }

  #start(job: Job): void {
    const { attached } = job
    const { alt } = attached
    job.state = 'sending'
    job.sent = 0
    job.cancel = this.carrier.upload(
      job.room,
      attached,
      (bytes) => {
        job.sent = attached.blob.size > 0 ? Math.min(1, bytes / attached.blob.size) : 1
        this.changed()
      },
      (end) => {
        if (this.#jobs.get(attached.key) !== job) return
        job.cancel = null
        if ('file' in end) void this.#finish(Object.assign(job, { file: { ...end.file, alt } }))
        else this.#failed(job, end)
      },
    )
  }

  async #finish(job: Job): Promise<void> {
    const { file, attached } = job
    if (!file) return
    job.state = 'sending'
    job.sent = 1
    while ((file.alt ?? '') !== attached.alt) {
      const { alt } = attached
      const described = await this.carrier.describe(file.id, alt)
      // What can't be said of it keeps nobody from seeing it.
      file.alt = alt
      if (!described) break
    }
    if (this.#jobs.get(attached.key) !== job) return
    job.state = 'done'
    for (const { resolve } of job.waiting.splice(0)) resolve(file)
    this.#prune()
    this.#go()
  }

  #prune(): void {
    const done = [...this.#jobs].filter(([, { state }]) => state === 'done')
    for (const [key] of done.slice(0, -KEPT)) this.#jobs.delete(key)
  }

  #failed(job: Job, { code, retry, after }: Exclude<Uploaded, { file: unknown }>): void {
    if (retry) {
      job.state = 'waiting'
      job.failures += 1
      const wait = after ?? backoff(job.failures, this.environment.random)
      job.cancel = this.environment.after(wait, () => {
        job.cancel = null
        this.#go()
      })
    } else {
      job.state = 'failed'
      job.code = code
      for (const { reject } of job.waiting.splice(0)) reject(code)
    }
    this.#go()
  }
}
