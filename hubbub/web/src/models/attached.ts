/*
 * Files that go with a message that this page has to say: what is known of each
 * before the server has it, and how that becomes what the room sees.
 */

import type * as wire from '../wire/frames.generated'

/** A file that was chosen. */
export interface Attached {
  /** What this page calls it, and nobody else. */
  key: string
  blob: Blob
  name: string
  alt: string
  /** Of a picture that the browser could read. */
  width?: number
  height?: number
}

/** A file as it is shown, whether the server has it or not. */
export interface ShownFile {
  key: string
  name: string
  type: string
  size: number
  width?: number
  height?: number
  alt: string
  /** What the server calls it, once it has it. */
  id?: string
}

const PICTURES: readonly string[] = ['image/jpeg', 'image/png', 'image/gif', 'image/webp']
/** What becomes a file when it is pasted. */
export const LONG_PASTE = 10_000

export function isPicture({ type }: Pick<ShownFile, 'type'>): boolean {
  return PICTURES.includes(type)
}

/** What plays sound or a film, if the browser can. */
export function playerOf({ type }: Pick<ShownFile, 'type'>): 'audio' | 'video' | null {
  if (type.startsWith('audio/')) return 'audio'
  return type.startsWith('video/') ? 'video' : null
}

export function shownAttached({ key, blob, name, alt, width, height }: Attached): ShownFile {
  const size = width && height ? { width, height } : {}
  return { key, name, type: blob.type, size: blob.size, alt, ...size }
}

export function shownFile({ id, name, type, size, w, h, alt = '' }: wire.FileInfo): ShownFile {
  return { key: id, id, name, type, size, alt, ...(w && h && { width: w, height: h }) }
}

/** The size in which a picture fits into a frame, without being enlarged. */
export function fitted(
  { width, height }: Pick<ShownFile, 'width' | 'height'>,
  most: { width: number; height: number },
): { width: number; height: number } {
  if (!width || !height) return most
  const scale = Math.min(1, most.width / width, most.height / height)
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) }
}

/** Where the server has a file, or a small picture of it. */
export function addressOf({ id = '', name }: Pick<ShownFile, 'id' | 'name'>, thumb?: 96 | 480): string {
  return `/v1/files/${id}/${encodeURIComponent(name)}${thumb ? `?thumb=${thumb}` : ''}`
}
