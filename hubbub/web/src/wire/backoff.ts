/*
 * How long to wait before the next attempt: full jitter, so that a thousand
 * pages that lost one server don't return in one instant.
 */

const BASE = 500
const CEILING = 30_000

/** A wait in milliseconds before attempt `n`, counted from 1: random(0, min(30 s, 0.5 s · 2ⁿ)). */
export function backoff(n: number, random: () => number): number {
  return random() * Math.min(CEILING, BASE * 2 ** n)
}
