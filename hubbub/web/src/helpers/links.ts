/*
 * Finds the addresses in a message, and cuts it into text and links.
 *
 * Only http and https, only ASCII (a look-alike letter ends the address) and
 * never with a user name, which would let the text before the @ pass for the
 * host.
 */

export type Part = { text: string; href?: string }

const ADDRESS = /https?:\/\/[\w\-.~:/?#[\]@!$&'()*+,;=%]+/giu
const CLOSERS: Record<string, string> = { ')': '(', ']': '[' }

export function linkParts(text: string): Part[] {
  const parts: Part[] = []
  let done = 0
  for (const { 0: found, index } of text.matchAll(ADDRESS)) {
    const address = trimmed(found)
    const href = checked(address)
    if (href === null) continue
    if (index > done) parts.push({ text: text.slice(done, index) })
    parts.push({ text: address, href })
    done = index + address.length
  }
  if (done < text.length) parts.push({ text: text.slice(done) })
  return parts
}

/** Without the punctuation that belongs to the sentence around it. */
function trimmed(address: string): string {
  const last = address.at(-1) ?? ''
  if (/[.,:;!?'*]/u.test(last)) return trimmed(address.slice(0, -1))
  const opener = CLOSERS[last]
  if (opener && count(address, last) > count(address, opener)) return trimmed(address.slice(0, -1))
  return address
}

function count(text: string, character: string): number {
  return text.split(character).length - 1
}

function checked(address: string): string | null {
  if (!URL.canParse(address)) return null
  const url = new URL(address)
  if (!url.hostname || url.username || url.password) return null
  return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : null
}
