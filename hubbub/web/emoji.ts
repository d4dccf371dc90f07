/*
 * The emoji in their groups, each with its names and further words for it in
 * English and in Chinese, made while building into a module of its own.
 */
import en from 'emojibase-data/en/compact.json' with { type: 'json' }
import zh from 'emojibase-data/zh/compact.json' with { type: 'json' }
import type { Plugin } from 'vite'

const NAME = 'virtual:emoji'
/** Parts of other emoji, which are none by themselves. */
const COMPONENTS = 2

export function emojiTable(): Plugin {
  return {
    name: 'emoji-table',
    resolveId: (id) => (id === NAME ? `\0${NAME}` : undefined),
    load: (id) => (id === `\0${NAME}` ? table() : undefined),
  }
}

/** Groups of [emoji, English name, Chinese name, further words]. */
function table(): string {
  const chinese = new Map(zh.map((each) => [each.hexcode, each]))
  const groups: [string, string, string, string][][] = []
  const ordered = en.toSorted((one, other) => (one.order ?? 0) - (other.order ?? 0))
  for (const { group, hexcode, label, tags = [], unicode } of ordered) {
    if (group === undefined || group === COMPONENTS) continue
    const other = chinese.get(hexcode)
    const words = [...tags, ...(other?.tags ?? [])].join(' ')
    ;(groups[group] ??= []).push([unicode, label, other?.label ?? label, words])
  }
  return `export const groups = ${JSON.stringify(groups.filter(Boolean))}\n`
}
