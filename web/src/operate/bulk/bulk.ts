import { Problem } from '../../api/problem'

/** A dead letter as a bulk decision needs it. */
export type Letter = { id: string; tenant: string; cycle: number; filename?: string }

/** A letter whose decision was refused, and why. */
export type Refusal = { letter: Letter; problem: Problem }

/**
 * How far a bulk decision is. `waiting` goes on by itself at a time, or once the session or the connection is back;
 * `stopping` waits for the answers that are under way.
 */
export type Phase = 'running' | 'waiting' | 'stopping' | 'stopped' | 'done'

/** A bulk decision at one moment. */
export type Report = {
  phase: Phase
  /** How many letters there were when they were counted. */
  total: number
  /** How many were decided. */
  decided: number
  /** Those that somebody else had decided, or that are gone: no failure. This list and the next one grow in place. */
  already: Refusal[]
  failed: Refusal[]
  /** Why it waits, and when it goes on, in milliseconds since 1970. */
  waiting?: { problem: Problem; until: number }
  /** Why the rest of the letters could not be read. */
  broken?: Problem
}

/** What a bulk decision is made of. */
export type Plan = {
  letters: AsyncIterable<Letter> | Iterable<Letter>
  total: number
  /** Decides on one; throws a Problem if it is refused. */
  decide: (letter: Letter) => Promise<unknown>
  /** How many requests may be under way at once. */
  concurrency?: number
  /** Waits; ends early when the signal does. */
  sleep?: (milliseconds: number, signal: AbortSignal) => Promise<void>
  now?: () => number
}

const longestWait = 30_000

/** Whether the letter needs no decision any more: somebody else was faster, or the upload is gone. */
export function isDecided(problem: Problem): boolean {
  return problem.code === 'not-parked' || problem.status === 404 || problem.status === 410
}

/** Whether trying again later may help without anybody doing anything about the letter: the session's end counts, since a login ends it. */
function passes(problem: Problem): boolean {
  return problem.passing || problem.status === 401
}

function asProblem(cause: unknown): Problem {
  return cause instanceof Problem
    ? cause
    : new Problem(0, 'unknown', cause instanceof Error ? cause.message : String(cause))
}

/**
 * Applies a decision to many letters, a few at a time. What passes by itself (429, 503, no connection) makes all of
 * it wait, for as long as the server says, and is then tried again: an outage is a pause and not a thousand failures.
 */
export class Bulk {
  readonly #plan: Required<Plan>
  readonly #stop = new AbortController()
  readonly #listeners = new Set<() => void>()
  #report: Report
  #backoff = 0

  constructor(plan: Plan) {
    this.#plan = { concurrency: 8, sleep: wait, now: Date.now, ...plan }
    this.#report = { phase: 'running', total: plan.total, decided: 0, already: [], failed: [] }
  }

  /** The state now; a new object after each change. */
  report = (): Report => this.#report

  /** Calls when the state has changed. */
  subscribe = (listener: () => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Whether letters may still be decided. */
  get open(): boolean {
    return this.#report.phase !== 'done' && this.#report.phase !== 'stopped'
  }

  /** Takes no more letters. Decisions that are under way are still counted. */
  stop = () => {
    if (!this.open) return
    this.#stop.abort()
    this.#set({ phase: 'stopping', waiting: undefined })
  }

  /** Decides until there are no more letters, or it is stopped. */
  async run(): Promise<Report> {
    const letters = once(this.#plan.letters)
    await Promise.all(Array.from({ length: this.#plan.concurrency }, () => this.#work(letters)))
    this.#set({ phase: this.#stop.signal.aborted ? 'stopped' : 'done', waiting: undefined })
    return this.#report
  }

  async #work(letters: AsyncIterator<Letter>) {
    while (!this.#stop.signal.aborted) {
      let next: IteratorResult<Letter>
      try {
        next = await letters.next()
      } catch (cause) {
        this.#set({ broken: asProblem(cause) })
        return
      }
      if (next.done || this.#stop.signal.aborted) return
      await this.#decide(next.value)
    }
  }

  async #decide(letter: Letter) {
    try {
      const done = await this.patiently(() => this.#plan.decide(letter))
      if (done) this.#set({ decided: this.#report.decided + 1 })
    } catch (cause) {
      const refusal = { letter, problem: asProblem(cause) }
      const { already, failed } = this.#report
      const list = isDecided(refusal.problem) ? already : failed
      // Into the same list: a copy for each of a hundred thousand refusals would take minutes.
      list.push(refusal)
      this.#set({})
    }
  }

  /** Tries a request until it is answered; everything waits meanwhile. False if it was stopped before. Throws what does not pass. */
  async patiently<T>(request: () => Promise<T>): Promise<{ answer: T } | false> {
    for (;;) {
      while (this.#report.waiting && !this.#stop.signal.aborted) {
        await this.#plan.sleep(Math.max(1, this.#report.waiting.until - this.#plan.now()), this.#stop.signal)
        this.#endWait()
      }
      if (this.#stop.signal.aborted) return false
      try {
        const answer = await request()
        this.#backoff = 0
        return { answer }
      } catch (cause) {
        const problem = asProblem(cause)
        if (!passes(problem)) throw problem
        this.#beginWait(problem)
      }
    }
  }

  #beginWait(problem: Problem) {
    if (this.#stop.signal.aborted || this.#report.waiting) return
    const own = problem.retryAfter ? problem.retryAfter * 1000 : Math.min(longestWait, 1000 * 2 ** this.#backoff)
    this.#backoff++
    this.#set({ phase: 'waiting', waiting: { problem, until: this.#plan.now() + own } })
  }

  #endWait() {
    const { waiting } = this.#report
    if (waiting && waiting.until <= this.#plan.now()) this.#set({ phase: 'running', waiting: undefined })
  }

  #set(change: Partial<Report>) {
    this.#report = { ...this.#report, ...change }
    if (this.#stop.signal.aborted && this.#report.phase === 'waiting') this.#report.phase = 'stopping'
    for (const listener of this.#listeners) listener()
  }
}

/** The letters one after another, each once, for several that take them. */
function once(letters: Plan['letters']): AsyncIterator<Letter> {
  async function* distinct() {
    const seen = new Set<string>()
    for await (const letter of letters) {
      if (seen.has(letter.id)) continue
      seen.add(letter.id)
      yield letter
    }
  }
  return distinct()
}

function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds)
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer)
        resolve()
      },
      { once: true },
    )
  })
}

/** A page of letters. */
export type Page = { letters: Letter[]; next?: string }

/** All letters that a filter selects, page after page. Pages may be empty and still have a next one. */
export async function* pagesOf(read: (token: string | undefined) => Promise<Page | false>): AsyncGenerator<Letter> {
  let token: string | undefined
  do {
    const page = await read(token)
    if (!page) return
    yield* page.letters
    token = page.next
  } while (token)
}

/** The refusals by their words, the most frequent first. */
export function byReason(refusals: Refusal[]): { problem: Problem; letters: Letter[] }[] {
  const groups = new Map<string, { problem: Problem; letters: Letter[] }>()
  for (const { letter, problem } of refusals) {
    const key = `${problem.code} ${problem.message}`
    const group = groups.get(key) ?? { problem, letters: [] }
    group.letters.push(letter)
    groups.set(key, group)
  }
  return [...groups.values()].sort((a, b) => b.letters.length - a.letters.length)
}
