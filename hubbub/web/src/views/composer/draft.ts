/* What was half written, and whom its names stand for, until it is sent. */

import { recall, remember } from '../../helpers/memory'
import type { Named } from '../../helpers/mentions'

export interface HalfWritten {
  text: string
  spoken: readonly Named[]
}

export function recallDraft(key: string): HalfWritten {
  return { text: recall(`draft.${key}`) ?? '', spoken: namesIn(recall(`draft.${key}.names`)) }
}

export function rememberDraft(key: string, text: string, spoken: readonly Named[]): void {
  const used = spoken.filter(({ name }) => text.includes(name))
  remember(`draft.${key}`, text === '' ? null : text)
  remember(`draft.${key}.names`, used.length === 0 ? null : JSON.stringify(used))
}

function namesIn(stored: string | null): Named[] {
  try {
    const names: unknown = JSON.parse(stored ?? '[]')
    return Array.isArray(names) ? names.filter(isNamed) : []
  } catch {
    return []
  }
}

function isNamed(value: unknown): value is Named {
  const { id, name } = (value ?? {}) as Partial<Named>
  return typeof id === 'string' && typeof name === 'string'
}
