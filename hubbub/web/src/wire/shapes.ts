/*
 * Whether what came is what its name says: unknown fields are passed over, a
 * known one of another type makes the whole unreadable.
 */

type Type = 'string' | 'number' | 'boolean' | 'object' | 'array'

/** What each field has to be; one with a question mark may be missing. */
export interface Shape {
  readonly [field: string]: Type | `${Type}?` | Shape
}

export function fits(value: unknown, shape: Shape): boolean {
  if (typeOf(value) !== 'object') return false
  const fields = value as Record<string, unknown>
  return Object.entries(shape).every(([name, wanted]) => isOf(fields[name], wanted))
}

function isOf(field: unknown, wanted: Shape[string]): boolean {
  if (typeof wanted !== 'string') return fits(field, wanted)
  return wanted.endsWith('?')
    ? field === undefined || typeOf(field) === wanted.slice(0, -1)
    : typeOf(field) === wanted
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}
