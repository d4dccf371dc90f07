import { describe, expect, it } from 'vitest'
import type { Attached } from '../../src/models/attached'
import { Outbox, type Entry } from '../../src/models/outbox'
import { MemoryStore } from '../../src/models/outbox-store'
import { Sender } from '../../src/models/sender'
import { Uploads, type Carrier, type Uploaded } from '../../src/models/uploads'
import type { Refusal } from '../../src/wire/requests'
import { seeded, World } from '../fakes/world'

function begin() {
  const world = new World(seeded(1))
  const asked: { t: string; d?: { text: string; files?: string[] } }[] = []
  let answer: { ok: (frame: never) => void; err: (refusal: Refusal) => void } | undefined
  const connection = {
    state: 'open' as const,
    request: (request: unknown, handlers: unknown) => {
      asked.push(request as (typeof asked)[number])
      answer = handlers as typeof answer
    },
  }
  const ends: ((end: Uploaded) => void)[] = []
  const carrier: Carrier = {
    upload: (_room, _attached, _sent, done) => {
      ends.push(done)
      return () => {}
    },
    describe: () => Promise.resolve(true),
    discard: () => {},
  }
  const environment = { now: () => 1, random: world.random, after: world.after, open: () => ({}) as never }
  const uploads = new Uploads(carrier, environment)
  const outbox = new Outbox('me', new MemoryStore(), environment)
  const sender = new Sender(connection as never, environment, outbox, uploads, ({ nonce }) =>
    outbox.remove(nonce),
  )
  uploads.reach(true)
  sender.begin()
  const attached: Attached = { key: 'a', blob: new Blob(['tea']), name: 'a', alt: '' }
  const write = (text: string, files: Attached[] = []): Entry => {
    const entry = outbox.add('r', { t: 'send', text, ...(files.length > 0 && { attached: files }) }, 1)
    sender.pump('r')
    return entry
  }
  const refuse = (code: string): void => answer?.err({ code, retry: false } as Refusal)
  return { asked, ends, outbox, sender, attached, write, refuse }
}

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve))
const done = (id: string): Uploaded => ({ file: { id, name: 'a', type: 'text/plain', size: 3 } })

describe('a message with files', () => {
  it('goes once they are there, before what was written later', async () => {
    const { asked, ends, attached, write } = begin()
    write('look', [attached])
    write('later')
    expect(asked).toEqual([])
    ends[0]!(done('f_1'))
    await settle()
    expect(asked.map(({ d }) => d)).toEqual([{ text: 'look', files: ['f_1'] }])
  })

  it('fails for what a file was refused for, and lets the later ones go', async () => {
    const { asked, ends, outbox, attached, write } = begin()
    write('look', [attached])
    write('later')
    ends[0]!({ code: 'file_invalid', retry: false })
    await settle()
    expect(outbox.of('r')[0]).toMatchObject({ state: 'failed', code: 'file_invalid' })
    expect(asked.map(({ d }) => d?.text)).toEqual(['later'])
  })

  it('stays the same message, whatever happens to the connection', async () => {
    const { asked, ends, sender, attached, write } = begin()
    write('look', [attached])
    ends[0]!(done('f_1'))
    await settle()
    sender.lost()
    sender.pump('r')
    expect(asked.map(({ d }) => d?.files)).toEqual([['f_1'], ['f_1']])
    expect(ends).toHaveLength(1)
  })

  it('can be given up while a file is on its way', async () => {
    const { asked, ends, outbox, sender, attached, write } = begin()
    const entry = write('look', [attached])
    expect(sender.giveUp(entry)).toBe(true)
    ends[0]!(done('f_1'))
    await settle()
    expect(outbox.of('r')).toEqual([])
    expect(asked.map(({ t }) => t)).toEqual(['skip'])
  })

  it('is another one, with files anew, when the server has let go of them', async () => {
    const { ends, outbox, attached, write, refuse } = begin()
    const { nonce } = write('look', [attached])
    ends[0]!(done('f_1'))
    await settle()
    refuse('upload_missing')
    outbox.retry(nonce)
    const [entry] = outbox.of('r')
    expect(entry?.nonce).not.toBe(nonce)
    expect(entry).not.toHaveProperty('files')
  })
})
