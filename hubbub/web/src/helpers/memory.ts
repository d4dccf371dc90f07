/* What this browser remembers of the reader's habits; a browser that forgets is no reason to fail. */

const PREFIX = 'hubbub.'

export function recall(key: string): string | null {
  try {
    return localStorage.getItem(PREFIX + key)
  } catch {
    return null
  }
}

/** Forget every value whose key begins so. */
export function forget(beginning: string): void {
  try {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(PREFIX + beginning))
    for (const key of keys) localStorage.removeItem(key)
  } catch {
    // What can't be read was never kept.
  }
}

/** Keep a value; null forgets it. */
export function remember(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(PREFIX + key)
    else localStorage.setItem(PREFIX + key, value)
  } catch {
    // Storage is blocked or full: the page goes on without.
  }
}
