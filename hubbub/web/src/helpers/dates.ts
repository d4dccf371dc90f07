/* Times and days as the reader's language and time zone have them. */

const HOUR = 3600 * 1000
const DAY = 24 * HOUR

/** The time of day, to the minute. */
export function timeOf(ts: number, language: string): string {
  return format(language, { timeStyle: 'short' }).format(ts)
}

/** Day and time, to the second. */
export function momentOf(ts: number, language: string): string {
  return format(language, { dateStyle: 'full', timeStyle: 'medium' }).format(ts)
}

/** A day: today and yesterday by their names, the year only when it is another. */
export function dayOf(ts: number, now: number, language: string): string {
  const ago = Math.round((startOfDay(now) - startOfDay(ts)) / DAY)
  const sameYear = new Date(ts).getFullYear() === new Date(now).getFullYear()
  const date = format(language, {
    weekday: 'long',
    month: 'long',
    day: 'numeric',
    ...(!sameYear && { year: 'numeric' }),
  }).format(ts)
  if (ago < 0 || ago > 1) return date
  const name = new Intl.RelativeTimeFormat(language, { numeric: 'auto' }).format(-ago, 'day')
  return `${name[0]?.toLocaleUpperCase(language)}${name.slice(1)} · ${date}`
}

/** How long ago something was, in hours or days. */
export function agoOf(ts: number, now: number, language: string): string {
  const hours = Math.max(1, Math.round((now - ts) / HOUR))
  const format = new Intl.RelativeTimeFormat(language, { numeric: 'always' })
  return hours < 24 ? format.format(-hours, 'hour') : format.format(-Math.round(hours / 24), 'day')
}

/** What a machine reads in <time>. */
export function isoOf(ts: number): string {
  return new Date(ts).toISOString()
}

/** Milliseconds until the next day begins. */
export function untilTomorrow(now: number): number {
  return new Date(now).setHours(24, 0, 0, 0) - now
}

function startOfDay(ts: number): number {
  return new Date(ts).setHours(0, 0, 0, 0)
}

// Making a formatter costs far more than using it.
const formats = new Map<string, Intl.DateTimeFormat>()

function format(language: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = language + JSON.stringify(options)
  const known = formats.get(key)
  if (known) return known
  const made = new Intl.DateTimeFormat(language, options)
  formats.set(key, made)
  return made
}
