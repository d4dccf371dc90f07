/*
 * The page without its views, as a program: it is told on standard input what
 * its reader does, and says on standard output what a room's timeline shows.
 * Each line is a JSON object.
 */

import { createInterface } from 'node:readline'
import { MemoryStore } from '../../src/models/outbox-store'
import type { Room } from '../../src/models/room'
import { Sync } from '../../src/models/sync'
import { browserClock, type Transport } from '../../src/wire/environment'
import { SUBPROTOCOL, type Hello } from '../../src/wire/frames.generated'

interface Start {
  do: 'start'
  address: string
  token: string
  /** Who the token stands for: a page has asked that over HTTP before. */
  me: string
  room: string
}

type Command = Start | { do: 'send'; room: string; text: string }

/** A program has no cookie to be known by: its token stands in `hello`. */
function connect({ address, token }: Start): Transport {
  const connection = new WebSocket(address, SUBPROTOCOL)
  const send = connection.send.bind(connection)
  connection.send = (text) => {
    const frame = JSON.parse(String(text)) as Hello | { t: string }
    send(JSON.stringify(frame.t === 'hello' ? { ...frame, token } : frame))
  }
  return connection
}

function start(command: Start): Sync {
  const { me, room: id } = command
  const listener = { ended: () => {}, doubted: () => {}, heard: () => {} }
  const sync = new Sync(
    { id: me, name: me, kind: 'guest' },
    { ...browserClock, open: () => connect(command) },
    new MemoryStore(),
    listener,
    { id, name: id, topic: '', visibility: 'public' },
  )
  let room: Room | undefined
  const show = (): void => {
    const texts = room?.log.timeline.map(({ text }) => text) ?? []
    console.log(JSON.stringify({ texts }))
  }
  const look = (): void => {
    if (room === sync.room(id)) return
    room = sync.room(id)
    room?.observe(show)
    show()
  }
  look()
  sync.observe(look)
  sync.start()
  return sync
}

let sync: Sync | undefined

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const command = JSON.parse(line) as Command
    if (command.do === 'start') sync = start(command)
    else sync?.say(command.room, command.text)
  })
  .on('close', () => process.exit())
