/* A finger that stays down opens what a pointer finds by hovering. */

const MOMENT = 450
const SLACK = 10

/** Of two that stand in each other, the inner one has the finger. */
const taken = new WeakSet<Event>()

/** Call `held` when a touch stays where it is; what the browser would do then is left out. */
export function heldDown(held: () => void): (node: HTMLElement) => () => void {
  return (node) => {
    const gone = new AbortController()
    const { signal } = gone
    let timer: ReturnType<typeof setTimeout> | undefined
    let start = { x: 0, y: 0 }
    let fired = false

    const end = (): void => clearTimeout(timer)
    const down = (event: PointerEvent): void => {
      fired = false
      if (event.pointerType !== 'touch' || taken.has(event)) return
      taken.add(event)
      start = { x: event.clientX, y: event.clientY }
      end()
      timer = setTimeout(() => {
        fired = true
        held()
      }, MOMENT)
    }
    const move = ({ clientX, clientY }: PointerEvent): void => {
      if (Math.hypot(clientX - start.x, clientY - start.y) > SLACK) end()
    }
    /** The finger that is lifted afterwards presses nothing. */
    const swallow = (event: Event): void => {
      if (!fired) return
      event.preventDefault()
      event.stopPropagation()
    }

    node.addEventListener('pointerdown', down, { signal })
    node.addEventListener('pointermove', move, { signal })
    for (const kind of ['pointerup', 'pointercancel'] as const) node.addEventListener(kind, end, { signal })
    node.addEventListener('click', swallow, { signal, capture: true })
    node.addEventListener('contextmenu', swallow, { signal })
    return () => {
      end()
      gone.abort()
    }
  }
}
