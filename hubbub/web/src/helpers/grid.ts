/* Where the keys lead in a grid that is filled row by row. */

/** The place that a key leads to from another; undefined if it isn't for moving. */
export function movedTo(key: string, at: number, count: number, columns: number): number | undefined {
  const steps: Record<string, number> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -columns,
    ArrowDown: columns,
  }
  if (key === 'Home') return 0
  if (key === 'End') return count - 1
  const step = steps[key]
  if (step === undefined) return undefined
  const next = at + step
  if (next >= 0 && next < count) return next
  // The last row may be short: its end is below every column.
  return step === columns && Math.floor(at / columns) < Math.floor((count - 1) / columns) ? count - 1 : at
}
