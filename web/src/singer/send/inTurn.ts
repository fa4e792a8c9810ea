import type { Reports, Way } from './queue'

/** How long a tab that waited can read which upload the file became, in milliseconds. */
const readable = 10_000

/**
 * Sends a file in one tab of this browser at a time: two that send the same one would each go on where the other is, and
 * interrupt it again and again. The others wait, and show the upload that the file became, or send it if the first tab
 * gave it up or was closed. Without locks, which browsers have on secure addresses alone, each tab sends.
 */
export function inTurn(way: Way, lockOf: (file: File) => Promise<string>, locks: LockManager | undefined): Way {
  if (!locks) return way
  return async (file, reports, key) => {
    const lock = await lockOf(file)
    const mine = await hold(locks, lock, { ifAvailable: true })
    if (mine) return sendHolding(mine)
    reports.elsewhere()
    const leaving = new AbortController()
    void follow(leaving.signal)
    return () => leaving.abort()

    async function sendHolding(release: () => void) {
      const inPossession: Reports = {
        ...reports,
        accepted: (upload) => {
          reports.accepted(upload)
          void tell(locks as LockManager, lock, upload).then(release)
        },
        failed: (problem) => {
          reports.failed(problem)
          release()
        },
      }
      const stop = await way(file, inPossession, key).catch((error) => {
        release()
        throw error
      })
      return async () => {
        await stop()
        release()
      }
    }

    async function follow(signal: AbortSignal) {
      const release = await hold(locks as LockManager, lock, { signal }).catch(() => undefined)
      if (!release) return
      const upload = await told(locks as LockManager, lock)
      release()
      if (signal.aborted) return
      if (upload) reports.accepted(upload)
      else reports.free()
    }
  }
}

/** Holds a lock until the answer is called; the answer is undefined if the lock is not to be had now. */
function hold(locks: LockManager, name: string, options: LockOptions): Promise<(() => void) | undefined> {
  return new Promise((resolve, reject) => {
    locks
      .request(name, options, (lock) => lock && new Promise<void>((release) => resolve(() => release())))
      .then(() => resolve(undefined), reject)
  })
}

// Which upload a file became is told by the name of a second lock, which is held before the first is released: whoever
// gets the first one finds it, and nothing of it is left when the tab is closed.
async function tell(locks: LockManager, lock: string, upload: string) {
  const release = await hold(locks, `${became(lock)}${upload}`, { ifAvailable: true })
  if (release) setTimeout(release, readable)
}

async function told(locks: LockManager, lock: string): Promise<string | undefined> {
  const { held = [] } = await locks.query()
  const found = held.find(({ name }) => name?.startsWith(became(lock)))
  return found?.name?.slice(became(lock).length)
}

function became(lock: string): string {
  return `orak.sent ${lock} `
}
