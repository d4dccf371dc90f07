/*
 * Who this browser is: the three HTTP calls about the guest's session.  The
 * session itself is a cookie that scripts can't see.
 */

import type { MeInfo } from '../wire/frames.generated'

export type Answer = { me: MeInfo } | { refused: string } | { unreachable: true }

/** Ask who we are; `refused: unauthorized` when nobody yet. */
export function whoAmI(): Promise<Answer> {
  return ask('/v1/me')
}

/** Become a guest of this name, or take another name. */
export function takeName(name: string): Promise<Answer> {
  return ask('/v1/guests', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
  })
}

/** End the session; whether the server heard it. */
export async function leave(): Promise<boolean> {
  try {
    const headers = { 'content-type': 'application/json' }
    return (await fetch('/v1/session', { method: 'DELETE', headers })).ok
  } catch {
    return false
  }
}

async function ask(path: string, init?: RequestInit): Promise<Answer> {
  try {
    const response = await fetch(path, { credentials: 'same-origin', cache: 'no-store', ...init })
    const body = (await response.json()) as { me?: MeInfo; error?: { code: string } }
    if (body.me) return { me: body.me }
    if (body.error && response.status < 500) return { refused: body.error.code }
  } catch {
    return { unreachable: true }
  }
  return { unreachable: true }
}
