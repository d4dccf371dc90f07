/* The emoji that the reader used last, on all their devices. */

import type { Own } from './own'

export const KEY = 'pref.emoji'
const MOST = 24

/** The last first. */
export function recentEmoji(own: Pick<Own, 'get'>): string[] {
  const kept = own.get(KEY)
  return Array.isArray(kept) ? kept.filter((each) => typeof each === 'string').slice(0, MOST) : []
}

/** What is recent once another was used; null if nothing changes. */
export function withRecent(recent: readonly string[], emoji: string): string[] | null {
  return recent[0] === emoji ? null : [emoji, ...recent.filter((each) => each !== emoji)].slice(0, MOST)
}
