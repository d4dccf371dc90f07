/*
 * Whether somebody sits before this page: what the others see as here or idle,
 * and when a connection is worth looking after at once.
 */

import type { PresenceState } from './people'

const IDLE_AFTER = 5 * 60_000
const SIGNS = ['keydown', 'pointerdown', 'pointermove', 'wheel', 'focus'] as const

export interface AttentionListener {
  present(state: PresenceState): void
  /** The network or the reader came back, or the network says it went. */
  wake(): void
}

/** Watch until the returned function is called. */
export function watchAttention(listener: AttentionListener): () => void {
  const ended = new AbortController()
  const { signal } = ended
  let idle: ReturnType<typeof setTimeout> | undefined
  let state: PresenceState = 'on'

  const become = (next: PresenceState): void => {
    if (state === next) return
    state = next
    listener.present(next)
  }
  const stir = (): void => {
    clearTimeout(idle)
    idle = setTimeout(() => become('idle'), IDLE_AFTER)
    become('on')
  }
  const seen = (): void => {
    if (document.visibilityState !== 'visible') return
    stir()
    listener.wake()
  }

  stir()
  for (const sign of SIGNS) window.addEventListener(sign, stir, { signal, passive: true })
  window.addEventListener('online', listener.wake, { signal })
  window.addEventListener('offline', listener.wake, { signal })
  window.addEventListener('pageshow', seen, { signal })
  document.addEventListener('visibilitychange', seen, { signal })
  return () => {
    clearTimeout(idle)
    ended.abort()
  }
}
