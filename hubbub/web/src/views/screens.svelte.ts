/* Which screen is shown, and the way from one to the next. */

import { forget } from '../helpers/memory'
import { leave, logIn, OPEN, register, takeName, wayIn, whoAmI, type Answer } from '../models/account'
import { openOutboxStore } from '../models/outbox-store'
import { Sync, type SyncListener } from '../models/sync'
import type { Message } from '../models/log'
import type { Room } from '../models/room'
import { backoff } from '../wire/backoff'
import { browserCarrier } from '../wire/carrier'
import { browserEnvironment } from '../wire/environment'
import { SUBPROTOCOL, type MeInfo, type RoomInfo } from '../wire/frames.generated'

export type Screen =
  | { kind: 'loading' }
  | { kind: 'unreachable' }
  | { kind: 'name'; ended: boolean }
  | { kind: 'rooms'; sync: Sync }

/** The room that everyone is in. */
const LOBBY: RoomInfo = { id: 'r_lobby', name: 'lobby', topic: '', visibility: 'public' }

type Hearer = (room: Room, message: Message) => void

export class App {
  screen = $state.raw<Screen>({ kind: 'loading' })
  /** Who wants to know of each new message. */
  readonly hearers = new Set<Hearer>()
  readonly #store = openOutboxStore(globalThis.indexedDB, navigator.locks as Navigator['locks'] | undefined)
  /** How one comes in, as far as it is known. */
  way = $state.raw(OPEN)
  #failures = 0

  /** Find out who we are, and go on from there. */
  async begin(): Promise<void> {
    // At once: who is nobody yet isn't kept waiting twice.
    const [answer, way] = await Promise.all([whoAmI(), wayIn()])
    this.way = way
    if ('me' in answer) await this.#open(answer.me)
    else if ('refused' in answer) this.screen = { kind: 'name', ended: false }
    else this.#beginLater()
  }

  /** Become a guest; returns what is wrong with the name, if anything. */
  async enter(name: string): Promise<string | null> {
    return this.#comeIn(await takeName(name))
  }

  /** Be who has an account; returns why not, if not. */
  async logIn(username: string, password: string): Promise<string | null> {
    return this.#comeIn(await logIn(username, password))
  }

  /** Make an account; returns why not, if not. */
  async register(username: string, password: string, name: string): Promise<string | null> {
    return this.#comeIn(await register(username, password, name))
  }

  async rename(sync: Sync, name: string): Promise<string | null> {
    const answer = await takeName(name)
    if ('me' in answer) sync.renamed(answer.me)
    return problemOf(answer)
  }

  /** Give the guest up; returns whether the server heard. */
  async leave(sync: Sync): Promise<boolean> {
    if (!(await leave())) return false
    await sync.outbox.clear()
    forget(`draft.${sync.me.id}.`)
    this.#close(sync, false)
    return true
  }

  async #comeIn(answer: Answer): Promise<string | null> {
    if ('me' in answer) await this.#open(answer.me)
    return problemOf(answer)
  }

  async #open(me: MeInfo): Promise<void> {
    const environment = browserEnvironment('/v1/realtime', SUBPROTOCOL)
    const listener: SyncListener = {
      ended: (why) => {
        if (why === 'reauth') this.#close(sync, true)
      },
      doubted: () => void this.#doubt(sync),
      heard: (room, message) => this.hearers.forEach((hearer) => hearer(room, message)),
    }
    const sync = new Sync(me, environment, await this.#store, listener, LOBBY, browserCarrier)
    this.screen = { kind: 'rooms', sync }
    sync.start()
  }

  /** A refused handshake tells the page nothing: ask over HTTP whether the session still holds. */
  async #doubt(sync: Sync): Promise<void> {
    const answer = await whoAmI()
    if ('refused' in answer) this.#close(sync, true)
  }

  #close(sync: Sync, ended: boolean): void {
    sync.stop()
    if (this.screen.kind === 'rooms' && this.screen.sync === sync) this.screen = { kind: 'name', ended }
  }

  #beginLater(): void {
    this.screen = { kind: 'unreachable' }
    this.#failures += 1
    setTimeout(() => void this.begin(), backoff(this.#failures, Math.random))
  }
}

function problemOf(answer: Awaited<ReturnType<typeof takeName>>): string | null {
  if ('me' in answer) return null
  return 'refused' in answer ? answer.refused : 'unreachable'
}
