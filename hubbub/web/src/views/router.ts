/* The page's address. */

import { Router } from '../models/router'

export const router = new Router({
  get path() {
    return location.pathname
  },
  push: (path) => history.pushState(null, '', path),
  replace: (path) => history.replaceState(null, '', path),
  moved: (run) => addEventListener('popstate', run),
})

/** Whether a press on a link is one to follow here, and not in another window. */
export function staysHere(event: MouseEvent): boolean {
  return event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey
}
