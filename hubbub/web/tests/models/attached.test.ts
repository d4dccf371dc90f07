import { describe, expect, it } from 'vitest'
import { addressOf, fitted, isPicture, playerOf, shownFile } from '../../src/models/attached'
import { Trays } from '../../src/models/trays'
import { NOBODY, Uploads } from '../../src/models/uploads'
import { endOf } from '../../src/wire/carrier'
import { seeded, World } from '../fakes/world'

describe('files', () => {
  it('knows a picture by what the server calls it', () => {
    expect(['image/png', 'image/svg+xml', 'text/html'].map((type) => isPicture({ type }))).toEqual([
      true,
      false,
      false,
    ])
    expect(['audio/ogg', 'video/mp4', 'application/pdf'].map((type) => playerOf({ type }))).toEqual([
      'audio',
      'video',
      null,
    ])
  })

  it('fits a picture into a frame without enlarging it', () => {
    const most = { width: 300, height: 300 }
    expect(fitted({ width: 600, height: 300 }, most)).toEqual({ width: 300, height: 150 })
    expect(fitted({ width: 20, height: 10 }, most)).toEqual({ width: 20, height: 10 })
    expect(fitted({ width: 10_000, height: 1 }, most)).toEqual({ width: 300, height: 1 })
    expect(fitted({}, most)).toEqual(most)
  })

  it('keeps a name from leading elsewhere', () => {
    const file = shownFile({ id: 'f_1', name: '../a?b#c 茶', type: 'image/png', size: 1, w: 2, h: 3 })
    expect(addressOf(file, 96)).toBe('/v1/files/f_1/..%2Fa%3Fb%23c%20%E8%8C%B6?thumb=96')
    expect(file).toMatchObject({ width: 2, height: 3 })
  })

  it('reads why a file was not taken', () => {
    const refused = (code: string, retry: boolean): string =>
      JSON.stringify({ error: { code, retry, msg: '' } })
    expect(endOf(0, '')).toEqual({ code: 'lost', retry: true })
    expect(endOf(413, refused('too_long', false))).toEqual({ code: 'file_too_long', retry: false })
    expect(endOf(507, refused('storage_full', true))).toEqual({ code: 'storage_full', retry: false })
    expect(endOf(429, refused('too_many_requests', true))).toEqual({ code: 'too_many_requests', retry: true })
    expect(endOf(500, 'oops')).toEqual({ code: 'internal', retry: false })
  })
})

describe('trays', () => {
  it('takes as many as a message may have, for each place its own', () => {
    const trays = new Trays(new Uploads(NOBODY, new World(seeded(1))))
    trays.most = 2
    const chosen = ['a', 'b', 'c'].map((name) => ({ name, blob: new Blob() }))
    expect(trays.add({ room: 'r' }, chosen)).toBe(1)
    expect(trays.of({ room: 'r' }).map(({ name }) => name)).toEqual(['a', 'b'])
    expect(trays.of({ room: 'r', thread: 3 })).toEqual([])
    const taken = trays.empty({ room: 'r' })
    trays.restore({ room: 'r' }, taken)
    trays.remove({ room: 'r' }, taken[0]!.key)
    expect(trays.of({ room: 'r' }).map(({ name }) => name)).toEqual(['b'])
  })
})
