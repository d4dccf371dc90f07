/*
 * What the messages of a room are after its events, made from all of them at
 * once: the definition that the page's folding, event by event and page by
 * page, is compared with.
 */

import type * as wire from '../../src/wire/frames.generated'

interface About {
  m: number
  th?: number
  e: string
  on: boolean
  text?: string
}

export function messagesOf(log: readonly wire.Event[]): wire.MessageInfo[] {
  return log.filter(({ k }) => k === 'msg.new').map((event) => messageOf(event, log))
}

function messageOf({ q, ts, by, d }: wire.Event, log: readonly wire.Event[]): wire.MessageInfo {
  const { n = '', text = '', re, th } = d as Partial<wire.PostedBody>
  const about = log.filter((event) => (event.d as unknown as About).m === q)
  const last = (kind: string) => about.findLast(({ k }) => k === kind)
  const deletion = last('msg.del')
  const edit = deletion ? undefined : last('msg.edit')
  const pin = deletion ? undefined : last('pin')
  const thread = th ?? (deletion?.d as About | undefined)?.th
  const replies = log.filter(({ d: body }) => (body as unknown as About).th === q)
  const taken = replies.filter(({ k }) => k === 'msg.del')
  const changes = [...about, ...replies]
  return {
    ...{ q, ts, by, n, base: edit?.q ?? q },
    rev: Math.max(q, ...changes.map((event) => event.q)),
    text: deletion ? '' : String((edit?.d as About | undefined)?.text ?? text),
    ...(re !== undefined && { re }),
    ...(thread !== undefined && { th: thread }),
    ...(edit && { ed: edit.ts }),
    ...(deletion && { del: deletion.ts }),
    ...((pin?.d as About | undefined)?.on && { pin: pin!.q }),
    rx: deletion ? {} : reactionsOf(about),
    rc: replies.length - taken.length,
  }
}

function reactionsOf(about: readonly wire.Event[]): Record<string, string[]> {
  const users = new Map<string, Set<string>>()
  for (const { k, by, d } of about) {
    if (k !== 'react') continue
    const { e, on } = d as unknown as About
    const here = users.get(e) ?? new Set()
    users.set(e, here)
    if (on) here.add(by)
    else here.delete(by)
  }
  return Object.fromEntries([...users].filter(([, { size }]) => size > 0).map(([e, by]) => [e, [...by]]))
}
