/*
 * What one may do in a room by what one is there, so that nothing else is
 * offered.  The server decides; this only knows its rules.
 */

import type { MemberInfo } from '../wire/frames.generated'

export type Role = MemberInfo['role']

export const ROLES: readonly Role[] = ['owner', 'moderator', 'member']

export function moderates(role: Role | undefined): boolean {
  return role === 'moderator' || role === 'owner'
}

/** Moderators remove members, owners everybody. */
export function removes(role: Role | undefined, other: Role | undefined): boolean {
  return role === 'owner' || (role === 'moderator' && !moderates(other))
}
