/*
 * Who this browser is: the HTTP calls about its session, and how one gets one.
 * The session itself is a cookie that scripts can't see.
 */

import type { MeInfo } from '../wire/frames.generated'

export type Answer = { me: MeInfo } | { refused: string } | { unreachable: true }

/** Ask who we are; `refused: unauthorized` when nobody yet. */
export function whoAmI(): Promise<Answer> {
  return ask('/v1/me')
}

/** Become a guest of this name, or take another name. */
export function takeName(name: string): Promise<Answer> {
  return ask('/v1/guests', said({ name }))
}

/** How one comes in here: with a name alone, and who may make an account. */
export interface WayIn {
  guests: boolean
  sign_up: string
}

/** What a chat has where nobody has decided otherwise. */
export const OPEN: WayIn = { guests: true, sign_up: 'open' }

/** Ask how one comes in; where that isn't known, every way is shown, and the server refuses. */
export async function wayIn(): Promise<WayIn> {
  try {
    const response = await fetch('/v1/entry', { credentials: 'same-origin', cache: 'no-store' })
    return response.ok ? ((await response.json()) as WayIn) : OPEN
  } catch {
    return OPEN
  }
}

/** Be who has an account. */
export function logIn(username: string, password: string): Promise<Answer> {
  return ask('/v1/session', said({ username, password }))
}

/** Make an account, and be who has it. */
export function register(username: string, password: string, name: string): Promise<Answer> {
  return ask('/v1/accounts', said({ username, password, ...(name && { name }) }))
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

function said(body: unknown): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
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
