import { Problem } from '../../api/problem'

/** What is being sent to the server, from the choice of the file until the server has accepted it. */
export type Sending = {
  readonly key: number
  readonly file: File
  /** `elsewhere`: another tab sends the same file. */
  readonly state: 'waiting' | 'sending' | 'interrupted' | 'elsewhere' | 'accepted' | 'failed'
  /** How many bytes were sent. */
  readonly sent: number
  /** The id of the upload, once it is accepted. */
  readonly upload?: string
  readonly problem?: Problem
  /** Names this sending to the server, so that it is the same upload after an answer that was lost. */
  readonly idempotencyKey: string
  /** Whether its page opens as soon as it is accepted. */
  readonly open: boolean
}

/** A file that is not with the server yet. */
export type Unsent = Pick<Sending, 'file' | 'idempotencyKey' | 'open'>

/** What the way of sending reports. */
export type Reports = {
  progress: (sent: number) => void
  /** The connection was lost, or the server asks to wait; the way goes on by itself. */
  interrupted: (problem?: Problem) => void
  /** Another tab sends the file: nothing is to be done until it ends. */
  elsewhere: () => void
  /** The other tab has given the file up, so that this one can send it. */
  free: () => void
  accepted: (upload: string) => void
  failed: (problem: Problem) => void
}

/** Sends a file; the answer stops it, and removes what arrived. */
export type Way = (file: File, reports: Reports, idempotencyKey: string) => Promise<() => unknown>

/** Refusals after which the same name would only be refused again. */
const settled = [404, 409, 410, 422]

/** A name that nothing else has. Unlike randomUUID it is there on pages that came by plain HTTP, too. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** The states of what can be stopped. */
const underWay: readonly Sending['state'][] = ['sending', 'interrupted', 'elsewhere']

/** How many recordings are sent at the same time. */
const atOnce = 3

/** The recordings that this tab sends. It outlives the pages, so that one can look around meanwhile. */
export class Queue {
  private items: readonly Sending[] = []
  private listeners = new Set<() => void>()
  private stops = new Map<number, () => unknown>()
  private next = 1
  // The session has ended: nothing can be sent until there is a new one.
  private paused = false

  /** `added` is called whenever there is something new to send. */
  constructor(
    private readonly way: Way,
    private readonly added: () => void = () => {},
  ) {}

  /** Everything that was added, the latest first. */
  readonly all = () => this.items

  readonly subscribe = (listener: () => void) => {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  /** Adds files and begins to send them. */
  add(files: readonly File[], open = false): number[] {
    return this.put(files.map((file) => ({ file, open, idempotencyKey: newKey() })))
  }

  /** Adds what an earlier page of this tab did not finish to send. */
  put(unsent: readonly Unsent[]): number[] {
    const added = unsent.map((one): Sending => ({ ...one, key: this.next++, state: 'waiting', sent: 0 }))
    this.change([...added.toReversed(), ...this.items])
    this.added()
    this.fill()
    return added.map((item) => item.key)
  }

  /** Sends a file that failed once more. */
  again(key: number) {
    const status = this.items.find((item) => item.key === key)?.problem?.status
    this.set(key, { state: 'waiting', problem: undefined, sent: 0 })
    // The server has ended or refused the upload of this name for good.
    if (status && settled.includes(status)) this.set(key, { idempotencyKey: newKey() })
    this.fill()
  }

  /** Goes on after a login. */
  resume() {
    this.paused = false
    this.fill()
  }

  /** Stops and removes everything. */
  clear() {
    this.paused = true
    for (const item of this.items) this.remove(item.key)
    this.paused = false
  }

  /** Removes an entry. One that is on its way is stopped. */
  remove(key: number) {
    this.stops.get(key)?.()
    this.stops.delete(key)
    this.change(this.items.filter((item) => item.key !== key))
    this.fill()
  }

  /** What another page needs to go on, in the order of its choice. What failed is tried once more there. */
  unsentFiles(): Unsent[] {
    const unsent = this.items.filter(({ state }) => state !== 'accepted')
    return unsent.map(({ file, idempotencyKey, open }) => ({ file, idempotencyKey, open })).toReversed()
  }

  /** Whether something would be lost if the tab were closed. */
  get unsent(): boolean {
    return this.items.some((item) => item.state !== 'accepted' && item.state !== 'elsewhere')
  }

  private fill() {
    if (this.paused) return
    const running = this.items.filter((item) => item.state === 'sending' || item.state === 'interrupted').length
    const waiting = this.items.filter((item) => item.state === 'waiting')
    for (const item of waiting.toReversed().slice(0, Math.max(atOnce - running, 0))) void this.begin(item)
  }

  private async begin(item: Sending) {
    const { key } = item
    this.set(key, { state: 'sending' })
    const reports: Reports = {
      progress: (sent) => this.set(key, { state: 'sending', sent, problem: undefined }),
      interrupted: (problem) => this.set(key, { state: 'interrupted', problem }),
      elsewhere: () => this.wait(key),
      free: () => this.end(key, { state: 'waiting' }),
      accepted: (upload) => this.end(key, { state: 'accepted', sent: item.file.size, upload }),
      failed: (problem) => this.fail(key, problem),
    }
    let stop: () => unknown
    try {
      stop = await this.way(item.file, reports, item.idempotencyKey)
    } catch (error) {
      // Its code could not be loaded, or the browser stores nothing.
      this.fail(key, Problem.offline(error))
      return
    }
    const still = this.items.find((other) => other.key === key)
    if (!still) stop()
    else if (underWay.includes(still.state)) this.stops.set(key, stop)
  }

  private wait(key: number) {
    this.set(key, { state: 'elsewhere' })
    // It needs no room.
    this.fill()
  }

  private fail(key: number, problem: Problem) {
    // The session's end is nothing that is wrong with the file: it waits for the login.
    if (problem.status === 401) this.paused = true
    this.end(key, problem.status === 401 ? { state: 'waiting' } : { state: 'failed', problem })
  }

  private end(key: number, change: Partial<Sending>) {
    this.stops.delete(key)
    this.set(key, change)
    this.fill()
  }

  private set(key: number, change: Partial<Sending>) {
    this.change(this.items.map((item) => (item.key === key ? { ...item, ...change } : item)))
  }

  private change(items: readonly Sending[]) {
    this.items = items
    for (const listener of this.listeners) listener()
  }
}
