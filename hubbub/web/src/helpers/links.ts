/*
 * The addresses in messages: which may be followed, and where one ends that
 * stands in a sentence.
 *
 * Only http, https and mailto, only hosts in ASCII (a look-alike letter is no
 * address) and never with a user name, which would let the text before the @
 * pass for the host.
 */

import { isCjk } from './script'

const HOST = String.raw`(?:\[[0-9a-f:.]+\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?)(?::[0-9]{1,5})?`
const BARE = new RegExp(
  String.raw`https?://(${HOST})(?:[/?#][\w\-.~:/?#@!$&'()*+,;=%]*)?(?![\w\-.~:%!$&'*+,;=]*@)`,
  'iy',
)
const WEB = new RegExp(String.raw`^https?://(${HOST})(?:[/?#].*)?$`, 'isu')
const MAIL = /^mailto:[a-z0-9.!#$&'*+=?^_`{|}~-]+@[a-z0-9._-]+(?:\?[^@]*)?$/iu
const NOT_IN_ADDRESS = /[^\w\-.~:/?#[\]@!$&'()*+,;=%]/gu
const LOOKS_LIKE_HOST = /[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}/giu
/** The address that begins exactly there, without the punctuation of the sentence around it. */
export function addressAt(text: string, start: number): string | null {
  BARE.lastIndex = start
  const [found] = BARE.exec(text) ?? []
  if (found === undefined) return null
  const next = text.codePointAt(start + found.length) ?? 0x20
  const goesOn = /\p{L}/u.test(String.fromCodePoint(next)) && !isCjk(next)
  return goesOn ? null : trimmed(found)
}

/** What may be followed of what somebody wrote as an address; null if nothing may. */
export function safeHref(written: string): string | null {
  if (!WEB.test(written) && !MAIL.test(written)) return null
  return written.toWellFormed().replace(NOT_IN_ADDRESS, (character) => encodeURIComponent(character))
}

/** The host to name beside a link, because its words seem to name another, or may look like another. */
export function hostToShow(href: string, words: string): string | null {
  const host = WEB.exec(href)?.[1]?.toLowerCase()
  if (host === undefined) return null
  const named = [...words.matchAll(LOOKS_LIKE_HOST)].map(([found]) => found.toLowerCase())
  const isDisguised = host.includes('xn--') && words !== href
  return isDisguised || named.some((other) => bare(other) !== bare(host)) ? host : null
}

function bare(host: string): string {
  return host.replace(/^www\.|:[0-9]+$/gu, '')
}

function trimmed(address: string): string {
  let end = address.length
  let opened = 0
  for (const character of address) opened += character === '(' ? 1 : character === ')' ? -1 : 0
  for (; end > 0; end -= 1) {
    const last = address[end - 1] ?? ''
    if (last === ')' && opened < 0) opened += 1
    else if (!/[.,:;!?'*_~]/u.test(last)) break
  }
  return address.slice(0, end)
}
