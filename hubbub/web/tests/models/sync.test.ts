import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { Post } from '../../src/models/outbox'
import { begin, enter, KeptStore, Page } from '../fakes/page'
import { LOBBY, ROOM, type FakeServer } from '../fakes/server'
import type { World } from '../fakes/world'

let world: World
let server: FakeServer
let page: Page

beforeEach(async () => {
  ;({ world, server, page } = await begin())
})

const writes = () => server.received.filter((frame) => frame.t === 'send')
const subs = () => server.received.filter((frame) => frame.t === 'sub' && frame.s === LOBBY)

describe('arriving', () => {
  test('history is there', () => {
    expect(page.texts).toEqual(['hello', 'hi'])
    expect(page.lobby.status).toBe('live')
    expect(page.lobby.people.name('ann')).toBe('ANN')
  })

  test('new messages appear', async () => {
    server.say('ann', 'more')
    await world.pass(100)
    expect(page.texts).toEqual(['hello', 'hi', 'more'])
    expect(page.heard).toEqual(['more'])
  })

  test('unknown kinds only advance the number', async () => {
    server.publish(server.append('poll', 'ann', {}))
    server.say('ann', 'after')
    await world.pass(100)
    expect(page.texts).toEqual(['hello', 'hi', 'after'])
    expect(subs()).toHaveLength(1)
  })

  test('a rename is heard', async () => {
    server.publish(server.append('member', 'me', { op: 'rename', user: { id: 'me', name: '小林' } }))
    await world.pass(100)
    expect(page.sync.me.name).toBe('小林')
    expect(page.lobby.people.name('me')).toBe('小林')
  })
})

describe('missing events', () => {
  test('whom the missing are by is learnt', async () => {
    server.cut()
    server.say('dee', 'who am I?')
    await world.pass(5000)
    expect(page.texts.at(-1)).toBe('who am I?')
    expect(page.lobby.people.name('dee')).toBe('DEE')
  })

  test('a hole is asked for', async () => {
    server.faults.lose = 1
    server.say('ann', 'lost')
    server.faults.lose = 0
    server.say('ann', 'kept')
    await world.pass(500)
    expect(page.texts).toEqual(['hello', 'hi', 'lost', 'kept'])
  })

  test('a lost last event is found by the ping', async () => {
    server.faults.lose = 1
    server.say('ann', 'tail')
    await world.pass(500)
    expect(page.texts).not.toContain('tail')
    await world.pass(26_000)
    expect(page.texts).toEqual(['hello', 'hi', 'tail'])
  })

  test('repeated events are ignored', async () => {
    server.faults.repeat = 1
    server.say('ann', 'once')
    await world.pass(500)
    expect(page.texts).toEqual(['hello', 'hi', 'once'])
    expect(subs()).toHaveLength(1)
  })

  test('a gap is filled', async () => {
    server.faults.gap = 1
    server.say('ann', 'one')
    server.faults.gap = 0
    await world.pass(500)
    server.say('ann', 'two')
    await world.pass(500)
    expect(page.texts).toEqual(['hello', 'hi', 'one', 'two'])
  })

  test('after a gap that left out nothing, what follows is not missed', async () => {
    for (const link of server.links) link.gap()
    await world.pass(500)
    server.say('ann', 'after')
    await world.pass(500)
    expect(page.texts).toEqual(['hello', 'hi', 'after'])
  })

  test('too much missed is a reset', async () => {
    server.maxDelta = 3
    server.cut()
    for (let n = 0; n < 60; n += 1) server.say('ann', `m${n}`)
    await world.pass(5000)
    expect(page.texts).toHaveLength(50)
    expect(page.texts.at(-1)).toBe('m59')
    expect(page.lobby.log.more).toBe(true)
  })

  test('a new epoch is a reset', async () => {
    server.epoch = 2
    server.log = server.log.slice(0, 1)
    server.cut()
    await world.pass(5000)
    expect(page.texts).toEqual(['hello'])
  })
})

describe('older history', () => {
  beforeEach(async () => {
    for (let n = 0; n < 120; n += 1) server.say('ann', `m${n}`)
    page = await enter(server, 'late')
  })

  test('pages join without holes', async () => {
    while (page.lobby.log.more) {
      page.lobby.loadOlder()
      await world.pass(200)
    }
    expect(page.texts).toEqual(server.texts)
  })

  test('one page at a time', async () => {
    page.lobby.loadOlder()
    page.lobby.loadOlder()
    await world.pass(200)
    expect(server.received.filter(({ t }) => t === 'hist')).toHaveLength(1)
    expect(page.texts).toHaveLength(100)
  })

  test('a page that no longer joins is dropped', async () => {
    page.lobby.loadOlder()
    page.lobby.reset(
      { room: ROOM, me: server.marks, msgs: server.messages.slice(110, 122), more: true, users: {} },
      122,
      false,
    )
    await world.pass(200)
    expect(page.texts).toHaveLength(12)
  })

  test('a short snapshot is not the whole room', async () => {
    server.maxSnapshot = 5
    page = await enter(server, 'later')
    expect(page.texts).toHaveLength(5)
    page.lobby.loadOlder()
    await world.pass(200)
    expect(page.texts).toEqual(server.texts.slice(-55))
  })

  test('a full snapshot may be the whole room', async () => {
    server.maxSnapshot = 122
    page = await enter(server, 'later')
    expect(page.texts).toEqual(server.texts)
    expect(page.lobby.log.more).toBe(false)
  })

  test('old ones are forgotten and found again', async () => {
    page.lobby.trim(10)
    expect(page.texts).toHaveLength(10)
    page.lobby.loadOlder()
    await world.pass(200)
    expect(page.texts).toEqual(server.texts.slice(-60))
  })
})

describe('sending', () => {
  test('shown at once, confirmed in place', async () => {
    page.say('mine')
    const [shown] = page.rows.slice(-1)
    expect(shown).toMatchObject({ text: 'mine', state: 'waiting', own: true })
    await world.pass(500)
    const [sent] = page.rows.slice(-1)
    expect(sent).toMatchObject({ text: 'mine', state: 'sent', key: shown!.key })
    expect(page.texts).toEqual(['hello', 'hi', 'mine'])
  })

  test.each([0, 1])('no second node whichever comes first: %i', async (eventFirst) => {
    server.faults.eventFirst = eventFirst
    const lengths = new Set<number>()
    page.lobby.observe(() => lengths.add(page.rows.length))
    page.sync.outbox.observe(() => lengths.add(page.rows.length))
    page.say('mine')
    await world.pass(500)
    expect([...lengths]).toEqual([3])
  })

  test.each(['native', 'own'])('half a character is replaced, %s', async (how) => {
    const mend = vi.spyOn(String.prototype, 'toWellFormed')
    if (how === 'own') mend.mockReturnValue(undefined as never)
    page.say('half \ud83d, other half \ude00, whole \ud83d\ude00')
    mend.mockRestore()
    const mended = 'half \ufffd, other half \ufffd, whole 😀'
    expect(page.texts.at(-1)).toBe(mended)
    await world.pass(500)
    expect(writes()[0]!.d.text).toBe(mended)
  })

  test('several keep their order', async () => {
    for (const text of ['a', 'b', 'c']) page.say(text)
    await world.pass(1000)
    expect(server.texts).toEqual(['hello', 'hi', 'a', 'b', 'c'])
    expect(writes()).toHaveLength(3)
  })

  test('an answer about the far past is believed', async () => {
    server.maxDelta = 3
    server.faults.cutAfter = 1
    page.say('mine')
    await world.pass(60)
    server.faults.cutAfter = 0
    for (let n = 0; n < 60; n += 1) server.say('ann', `m${n}`)
    await world.pass(5000)
    expect(page.texts).toEqual(server.texts.slice(-50))
    expect(page.sync.outbox.of(LOBBY)).toEqual([])
  })

  test('offline ones go out on return', async () => {
    server.up = false
    server.cut()
    await world.pass(2000)
    for (const text of ['a', 'b']) page.say(text)
    await world.pass(2000)
    expect(page.rows.slice(-2)).toMatchObject([{ state: 'waiting' }, { state: 'waiting' }])
    server.up = true
    await world.pass(40_000)
    expect(server.texts).toEqual(['hello', 'hi', 'a', 'b'])
    expect(page.texts).toEqual(['hello', 'hi', 'a', 'b'])
  })

  test('an unheard answer costs no duplicate', async () => {
    server.faults.cutAfter = 1
    page.say('mine')
    await world.pass(60)
    server.faults.cutAfter = 0
    await world.pass(5000)
    const [first, second] = writes()
    expect(second).toMatchObject({ n: first!.n })
    expect(server.texts).toEqual(['hello', 'hi', 'mine'])
    expect(page.texts).toEqual(['hello', 'hi', 'mine'])
  })

  test('refused for now is sent again in order', async () => {
    server.faults.refuse = 1
    for (const text of ['a', 'b']) page.say(text)
    await world.pass(100)
    server.faults.refuse = 0
    await world.pass(40_000)
    expect(new Set(writes().map(({ n }) => n)).size).toBe(2)
    expect(server.texts).toEqual(['hello', 'hi', 'a', 'b'])
  })

  test('refused for now is sent again before an older one', async () => {
    const store = new KeptStore()
    page = await enter(server, 'kim', store)
    server.faults.refuse = 1
    page.say('mine')
    await world.pass(100)
    server.faults.refuse = 0
    const [mine] = page.sync.outbox.of(LOBBY)
    store.put({ ...mine!, nonce: 'left-behind', order: mine!.order - 60_000, text: 'left behind' } as Post)
    page.sync.wake()
    await world.pass(10_000)
    expect(server.texts).toEqual(['hello', 'hi', 'mine', 'left behind'])
    expect(page.texts).toEqual(server.texts)
    expect(server.links.size).toBe(2)
  })

  test('refused for good waits for its author', async () => {
    server.verdict = 'too_long'
    page.say('mine')
    await world.pass(500)
    expect(page.rows.at(-1)).toMatchObject({ state: 'failed', entry: { code: 'too_long' } })
    server.verdict = null
    page.say('next')
    await world.pass(500)
    expect(server.texts.at(-1)).toBe('next')
    page.sync.retry(page.sync.outbox.of(LOBBY)[0]!)
    await world.pass(500)
    expect(writes().at(-1)).toMatchObject({ n: writes()[0]!.n })
    expect(server.texts).toEqual(['hello', 'hi', 'next', 'mine'])
    expect(page.sync.outbox.of(LOBBY)).toEqual([])
  })

  test('a spoilt nonce is replaced', async () => {
    server.verdict = 'nonce_reuse'
    page.say('mine')
    await world.pass(500)
    server.verdict = null
    page.sync.retry(page.sync.outbox.of(LOBBY)[0]!)
    await world.pass(500)
    expect(writes()[1]!.n).not.toBe(writes()[0]!.n)
    expect(page.texts).toEqual(['hello', 'hi', 'mine'])
  })

  test('one that is refused for now can be given up', async () => {
    server.faults.refuse = 1
    for (const text of ['a', 'b']) page.say(text)
    const [first] = page.sync.outbox.of(LOBBY)
    expect(page.sync.giveUp(first!)).toBe(false)
    await world.pass(100)
    server.faults.refuse = 0
    expect(page.sync.giveUp(first!)).toBe(true)
    await world.pass(500)
    expect(server.received).toContainEqual(expect.objectContaining({ t: 'skip', s: LOBBY, n: first!.nonce }))
    expect(server.texts).toEqual(['hello', 'hi', 'b'])
    expect(page.texts).toEqual(server.texts)
  })

  test('one that waits for its turn is given up without a word', async () => {
    for (const text of ['a', 'b']) page.say(text)
    expect(page.sync.giveUp(page.sync.outbox.of(LOBBY)[1]!)).toBe(true)
    await world.pass(500)
    expect(server.texts).toEqual(['hello', 'hi', 'a'])
    expect(server.received.filter(({ t }) => t === 'skip')).toEqual([])
  })

  test('what no frame can hold is not sent', async () => {
    server.limits = { frame: 1000 }
    server.cut()
    await world.pass(5000)
    for (const text of ['茶'.repeat(400), 'short']) page.say(text)
    await world.pass(500)
    expect(writes()).toHaveLength(1)
    expect(server.texts.at(-1)).toBe('short')
    expect(page.sync.outbox.of(LOBBY)).toMatchObject([{ state: 'failed', code: 'too_long' }])
  })

  test('one that was deleted before its event came is gone', async () => {
    server.faults.lose = 1
    page.say('mine')
    await world.pass(500)
    server.append('msg.del', 'keeper', { n: 'nonce-01', m: 3 })
    expect(page.sync.outbox.of(LOBBY)).toMatchObject([{ state: 'acked', q: 3 }])
    await world.pass(26_000)
    expect(page.texts).toEqual(['hello', 'hi', ''])
    expect(page.sync.outbox.of(LOBBY)).toEqual([])
  })

  test('one that was deleted before its answer came is gone', async () => {
    server.faults.cutAfter = 1
    page.say('mine')
    await world.pass(60)
    server.faults.cutAfter = 0
    server.append('msg.del', 'keeper', { n: 'nonce-01', m: 3 })
    await world.pass(5000)
    expect(page.texts).toEqual(['hello', 'hi', ''])
    expect(page.sync.outbox.of(LOBBY)).toEqual([])
  })

  test('a deleted one is never sent', async () => {
    server.verdict = 'muted'
    page.say('mine')
    await world.pass(500)
    server.verdict = null
    page.sync.outbox.remove(page.sync.outbox.of(LOBBY)[0]!.nonce)
    server.cut()
    await world.pass(5000)
    expect(page.texts).toEqual(['hello', 'hi'])
    expect(server.texts).toEqual(['hello', 'hi'])
  })

  test('what is unsent shows before the server answers', async () => {
    const store = new KeptStore()
    const before = await enter(server, 'kim', store)
    server.up = false
    server.cut()
    await world.pass(100)
    before.say('a')
    before.sync.stop()
    const after = new Page(server, 'kim', store)
    after.sync.start()
    await world.pass(0)
    expect(after.texts).toEqual(['a'])
  })

  test('a reload keeps what is unsent', async () => {
    const store = new KeptStore()
    const before = await enter(server, 'kim', store)
    server.up = false
    server.cut()
    await world.pass(100)
    for (const text of ['a', 'b']) before.say(text)
    before.sync.stop()
    server.up = true
    const after = new Page(server, 'kim', store)
    after.sync.start()
    await world.pass(0)
    after.say('c')
    await world.pass(5000)
    expect(server.texts).toEqual(['hello', 'hi', 'a', 'b', 'c'])
    expect(after.texts).toEqual(['hello', 'hi', 'a', 'b', 'c'])
    expect(store.kept.size).toBe(0)
  })

  test('what is unsent goes before what is written after a reload', async () => {
    const store = new KeptStore(() => world.wait(500))
    const before = new Page(server, 'kim', store)
    for (const text of ['a', 'b']) before.say(text)
    await world.pass(10)
    const after = new Page(server, 'kim', store)
    after.sync.start()
    after.say('c')
    await world.pass(300)
    expect(after.sync.state).toBe('open')
    after.say('d')
    await world.pass(5000)
    expect(server.texts).toEqual(['hello', 'hi', 'a', 'b', 'c', 'd'])
    expect(after.texts).toEqual(server.texts)
    expect(store.kept.size).toBe(0)
  })

  test('what is written while the storage is slow shows once', async () => {
    server.up = false
    const store = new KeptStore(() => world.wait(500))
    const before = new Page(server, 'kim', store)
    before.say('a')
    await world.pass(10)
    const after = new Page(server, 'kim', store)
    after.sync.start()
    after.sync.wake()
    after.say('b')
    expect(after.texts).toEqual(['b'])
    await world.pass(600)
    expect(after.texts).toEqual(['a', 'b'])
  })

  test('a storage that hangs is waited for only so long', async () => {
    const hung = new Page(server, 'kim', new KeptStore(() => new Promise(() => {})))
    hung.sync.start()
    hung.say('a')
    await world.pass(1900)
    expect(hung.texts).toEqual(['hello', 'hi', 'a'])
    expect(server.texts).toEqual(['hello', 'hi'])
    await world.pass(500)
    expect(server.texts).toEqual(['hello', 'hi', 'a'])
  })

  test('a reload after the unheard answer shows it once', async () => {
    const store = new KeptStore()
    const before = await enter(server, 'kim', store)
    server.faults.cutAfter = 1
    before.say('a')
    await world.pass(60)
    before.sync.stop()
    server.faults.cutAfter = 0
    const after = new Page(server, 'kim', store)
    after.sync.start()
    await world.pass(5000)
    expect(after.texts).toEqual(['hello', 'hi', 'a'])
    expect(store.kept.size).toBe(0)
  })
})

describe('two pages of one user', () => {
  test('each shows a message once', async () => {
    const other = await enter(server, 'me')
    page.say('mine')
    await world.pass(1000)
    expect(page.texts).toEqual(['hello', 'hi', 'mine'])
    expect(other.texts).toEqual(['hello', 'hi', 'mine'])
    expect(other.heard).toEqual([])
  })
})

describe('a page that closed', () => {
  test('what it left is sent with the next heartbeat', async () => {
    const store = new KeptStore()
    const other = await enter(server, 'kim', store)
    const closed = new Page(server, 'kim', store)
    closed.say('left behind')
    await world.pass(30_000)
    expect(server.texts.at(-1)).toBe('left behind')
    expect(other.texts.at(-1)).toBe('left behind')
  })
})

describe('endings', () => {
  test.each([4100, 4101, 4401, 4403])('%i sends back to the name screen', async (code) => {
    server.cut(code)
    await world.pass(100)
    expect(page.ended).toEqual(['reauth'])
    await world.pass(60_000)
    expect(server.links.size).toBe(0)
  })

  test('a failed attempt raises a doubt', async () => {
    server.up = false
    server.cut()
    await world.pass(3000)
    expect(page.doubts).toBeGreaterThan(0)
  })
})
