/*
 * The edge between models and views: what is read through `now` is read again
 * after each change.  A derived value that is itself a model (a room's people)
 * stays the same object and so hides changes from what derives from it: read
 * from `now` to the end in one expression.
 */

import { createSubscriber } from 'svelte/reactivity'
import type { Observable } from '../models/observable'

export function live<T extends Observable>(model: T): { readonly now: T } {
  const subscribe = createSubscriber((update) => model.observe(update))
  return {
    get now() {
      subscribe()
      return model
    },
  }
}
