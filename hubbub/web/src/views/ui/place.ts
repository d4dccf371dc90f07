/* Where what floats goes: by its anchor, and never out of the window. */

export interface Box {
  left: number
  top: number
  right: number
  bottom: number
}

export interface Size {
  width: number
  height: number
}

const GAP = 4
const MARGIN = 8

/** The left and top of what floats: below its anchor or, where there is more room, above. */
export function placed(anchor: Box, size: Size, frame: Size, align: 'start' | 'end'): [number, number] {
  const below = frame.height - anchor.bottom - GAP - MARGIN
  const above = anchor.top - GAP - MARGIN
  const top = below >= size.height || below >= above ? anchor.bottom + GAP : anchor.top - GAP - size.height
  const left = align === 'start' ? anchor.left : anchor.right - size.width
  return [within(left, size.width, frame.width), within(top, size.height, frame.height)]
}

function within(start: number, length: number, whole: number): number {
  return Math.max(MARGIN, Math.min(start, whole - length - MARGIN))
}
