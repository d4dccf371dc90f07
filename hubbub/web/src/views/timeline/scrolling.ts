/* Where a scrolled list stands, and how to keep it there while it changes. */

const NEARLY = 24

export function isAtBottom(viewport: HTMLElement): boolean {
  return viewport.scrollHeight - viewport.scrollTop - viewport.clientHeight < NEARLY
}

export interface Anchor {
  /** Scroll so that the first message that was in sight is where it was. */
  restore(): void
}

export function anchorIn(viewport: HTMLElement, content: HTMLElement): Anchor | null {
  const top = viewport.getBoundingClientRect().top
  for (const message of content.querySelectorAll(':scope > article')) {
    const box = message.getBoundingClientRect()
    if (box.bottom <= top) continue
    return {
      restore() {
        if (message.isConnected) viewport.scrollTop += message.getBoundingClientRect().top - box.top
      },
    }
  }
  return null
}
