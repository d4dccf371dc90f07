import { beforeEach, describe, expect, it } from 'vitest'
import type { Attached } from '../../src/models/attached'
import { Uploads, type Uploaded } from '../../src/models/uploads'
import { seeded, World } from '../fakes/world'

/** Carries nothing until it is told to. */
class FakeCarrier {
  readonly under: {
    key: string
    alt: string
    sent: (bytes: number) => void
    done: (end: Uploaded) => void
  }[] = []
  readonly called: string[] = []

  upload(_room: string, attached: Attached, sent: (bytes: number) => void, done: (end: Uploaded) => void) {
    this.under.push({ key: attached.key, alt: attached.alt, sent, done })
    return () => this.called.push(`off ${attached.key}`)
  }
  describe(id: string, alt: string): Promise<boolean> {
    this.called.push(`describe ${id} ${alt}`)
    return Promise.resolve(true)
  }
  discard(id: string): void {
    this.called.push(`discard ${id}`)
  }
  take(key: string): void {
    const at = this.under.findIndex((one) => one.key === key)
    const [{ done }] = this.under.splice(at, 1) as [FakeCarrier['under'][number]]
    done({ file: { id: `f_${key}`, name: key, type: 'text/plain', size: 3 } })
  }
  refuse(key: string, code: string, retry: boolean): void {
    const at = this.under.findIndex((one) => one.key === key)
    const [{ done }] = this.under.splice(at, 1) as [FakeCarrier['under'][number]]
    done({ code, retry })
  }
  get keys(): string[] {
    return this.under.map(({ key }) => key)
  }
}

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve))

describe('uploads', () => {
  let world: World
  let carrier: FakeCarrier
  let uploads: Uploads

  const file = (key: string, size = 3): Attached => ({
    key,
    blob: new Blob(['x'.repeat(size)]),
    name: key,
    alt: '',
  })

  beforeEach(() => {
    world = new World(seeded(1))
    carrier = new FakeCarrier()
    uploads = new Uploads(carrier, world)
    uploads.reach(true)
  })

  it('has two under way at once, and the others in order', async () => {
    for (const key of ['a', 'b', 'c', 'd']) uploads.begin('r', file(key))
    expect(carrier.keys).toEqual(['a', 'b'])
    carrier.take('b')
    await settle()
    expect(carrier.keys).toEqual(['a', 'c'])
  })

  it('uploads once for all who wait', async () => {
    const one = file('a')
    const waiting = Promise.all([uploads.wait('r', one), uploads.wait('r', one)])
    expect(carrier.keys).toEqual(['a'])
    carrier.take('a')
    expect((await waiting).map(({ id }) => id)).toEqual(['f_a', 'f_a'])
    expect((await uploads.wait('r', one)).id).toBe('f_a')
  })

  it('tells how much has left', () => {
    uploads.begin('r', file('a', 4))
    carrier.under[0]!.sent(1)
    expect(uploads.of('a')).toMatchObject({ state: 'sending', sent: 0.25 })
  })

  it('waits while nobody can be reached, and goes on by itself', async () => {
    uploads.reach(false)
    uploads.begin('r', file('a'))
    expect(carrier.keys).toEqual([])
    uploads.reach(true)
    carrier.refuse('a', 'lost', true)
    expect(uploads.of('a')?.state).toBe('waiting')
    await world.pass(60_000)
    expect(carrier.keys).toEqual(['a'])
  })

  it('leaves what was refused for good to the reader', async () => {
    const waiting = uploads.wait('r', file('a'))
    carrier.refuse('a', 'file_invalid', false)
    await expect(waiting).rejects.toBe('file_invalid')
    expect(uploads.of('a')).toMatchObject({ state: 'failed', code: 'file_invalid' })
    uploads.retry('a')
    expect(carrier.keys).toEqual(['a'])
  })

  it('refuses what the server would refuse anyway', async () => {
    uploads.limit = 3
    await expect(uploads.wait('r', file('a', 4))).rejects.toBe('file_too_long')
    expect(carrier.keys).toEqual([])
  })

  it('calls off what is left out, and lets the server forget it', async () => {
    uploads.begin('r', file('a'))
    uploads.cancel('a')
    uploads.begin('r', file('b'))
    carrier.take('b')
    await settle()
    uploads.cancel('b')
    expect(carrier.called).toEqual(['off a', 'discard f_b'])
    expect(uploads.of('b')).toBeUndefined()
  })

  it('says what a picture shows before anyone is told that it is there', async () => {
    const one = file('a')
    const waiting = uploads.wait('r', one)
    uploads.describe('a', 'a cup')
    carrier.take('a')
    expect((await waiting).alt).toBe('a cup')
    expect(carrier.called).toEqual(['describe f_a a cup'])
    expect(uploads.blobOf('f_a')).toBe(one.blob)
  })
})
