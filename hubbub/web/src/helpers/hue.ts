/* Which of the avatars' hues is whose. */

/** How many there are in tokens.css. */
export const HUES = 8

/** The same for the same id, everywhere and always. */
export function hueOf(id: string): number {
  let hash = 0x811c9dc5
  for (const character of id) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193)
  return ((hash ^ (hash >>> 15)) >>> 0) % HUES
}
