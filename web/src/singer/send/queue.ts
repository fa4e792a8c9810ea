import type { Problem } from '../../api/problem'

/** What is being sent to the server, from the choice of the file until the server has accepted it. */
export type Sending = {
  readonly key: number
  readonly file: File
  readonly state: 'waiting' | 'sending' | 'interrupted' | 'accepted' | 'failed'
  /** How many bytes were sent. */
  readonly sent: number
  /** The id of the upload, once it is accepted. */
  readonly upload?: string
  readonly problem?: Problem
  /** Whether its page opens as soon as it is accepted. */
  readonly open: boolean
}

/** What the way of sending reports. */
export type Reports = {
  progress: (sent: number) => void
  /** The connection was lost; the way goes on by itself. */
  interrupted: () => void
  accepted: (upload: string) => void
  failed: (problem: Problem) => void
}

/** Sends a file; the answer stops it, and removes what arrived. */
export type Way = (file: File, reports: Reports) => Promise<() => void>

/** How many recordings are sent at the same time. */
const atOnce = 3

/** The recordings that this tab sends. It outlives the pages, so that one can look around meanwhile. */
export class Queue {
  private items: readonly Sending[] = []
  private listeners = new Set<() => void>()
  private stops = new Map<number, () => void>()
  private next = 1

  constructor(private readonly way: Way) {}

  /** Everything that was added, the latest first. */
  readonly all = () => this.items

  readonly subscribe = (listener: () => void) => {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  /** Adds files and begins to send them. */
  add(files: readonly File[], open = false): number[] {
    const added = files.map((file): Sending => ({ key: this.next++, file, state: 'waiting', sent: 0, open }))
    this.change([...added.toReversed(), ...this.items])
    this.fill()
    return added.map((item) => item.key)
  }

  /** Sends a file that failed once more. */
  again(key: number) {
    this.set(key, { state: 'waiting', problem: undefined, sent: 0 })
    this.fill()
  }

  /** Removes an entry. One that is on its way is stopped. */
  remove(key: number) {
    this.stops.get(key)?.()
    this.stops.delete(key)
    this.change(this.items.filter((item) => item.key !== key))
    this.fill()
  }

  /** Whether something would be lost if the tab were closed. */
  get unsent(): boolean {
    return this.items.some((item) => item.state !== 'accepted')
  }

  private fill() {
    const running = this.items.filter((item) => item.state === 'sending' || item.state === 'interrupted').length
    const waiting = this.items.filter((item) => item.state === 'waiting')
    for (const item of waiting.toReversed().slice(0, Math.max(atOnce - running, 0))) void this.begin(item)
  }

  private async begin(item: Sending) {
    const { key } = item
    this.set(key, { state: 'sending' })
    const stop = await this.way(item.file, {
      progress: (sent) => this.set(key, { state: 'sending', sent }),
      interrupted: () => this.set(key, { state: 'interrupted' }),
      accepted: (upload) => this.end(key, { state: 'accepted', sent: item.file.size, upload }),
      failed: (problem) => this.end(key, { state: 'failed', problem }),
    })
    const still = this.items.find((other) => other.key === key)
    if (!still) stop()
    else if (still.state !== 'accepted' && still.state !== 'failed') this.stops.set(key, stop)
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
