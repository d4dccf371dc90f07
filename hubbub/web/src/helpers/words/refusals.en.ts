/* Why something wasn't done, and what helps. */

const refusals: Record<string, string> = {
  lost: "The connection was lost, so it isn't certain that this was done. Look, then try again.",
  forbidden: 'You may not do this here. An owner of the room can, or can let you.',
  not_found: "This isn't there any more, or it isn't open to you.",
  not_member: 'Join the room first.',
  banned: 'You are banned from this room. Only an owner or a moderator can let you back in.',
  archived: 'This room is closed, so nothing in it can change.',
  invalid: "This can't be used as it is. Try something else.",
  too_long: 'This is too long. Make it shorter.',
  too_many_requests: 'That was a lot at once. Wait a minute, then try again.',
  storage_full: 'The server has no room left. Its administrator can help.',
  unavailable: "The server can't do this just now. Try again in a minute.",
  unauthorized: 'You are no longer signed in. Reload the page.',
}

export const en = {
  refusal: (code: string) => refusals[code] ?? "That didn't work. Try again.",
}
