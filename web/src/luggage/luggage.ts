import { database, kept } from '../session/left'
import type { Take } from '../singer/record/recorder'
import type { Unsent } from '../singer/send/queue'

/** What a tab leaves in this browser while it is at the identity provider: it comes back as a new page. */
export type Luggage = {
  id: string
  /** When it was left, in milliseconds since 1970. */
  at: number
  /** Who was logged in: nobody else gets it. */
  holder: string
  take: Take | undefined
  sendings: Unsent[]
}

const store = 'luggage'
/** How many bytes one tab leaves at most. */
const most = 256 << 20

/** What is left of a take and of files that were not sent: all, or what has room, the take first. */
export function fit(take: Take | undefined, sendings: readonly Unsent[], room = most) {
  let left = room
  const fits = (file: File) => {
    if (file.size > left) return false
    left -= file.size
    return true
  }
  const packed = {
    take: take && fits(take.file) ? take : undefined,
    sendings: sendings.filter(({ file }) => fits(file)),
  }
  return { packed, whole: packed.take === take && packed.sendings.length === sendings.length }
}

/** Stores luggage. Fails where the browser stores nothing, or has no room. */
export async function putDown(luggage: Luggage): Promise<void> {
  await using(luggage.at, (all) => all.put(luggage))
}

/** Gives luggage to its holder, once: it is removed. That of another one stays. Undefined if there is none any more. */
export async function pickUp(id: string, holder: string, now: number): Promise<Luggage | 'others' | undefined> {
  const found = await using(now, (all) => {
    const request: IDBRequest<Luggage | undefined> = all.get(id)
    // In the same change: nobody else gets it meanwhile, and what is not given is not removed.
    request.onsuccess = () => request.result?.holder === holder && all.delete(id)
    return request
  })
  return found && found.holder !== holder ? 'others' : found
}

/** Removes luggage that nobody needs. */
export async function throwAway(id: string, now: number): Promise<void> {
  await using(now, (all) => all.delete(id))
}

/** The ids of what this very page stored: it has all of it, unless it was left. */
export const ofThisPage = new Set<string>()

/** Makes a request, and removes what is too old beside it. */
async function using<T>(now: number, ask: (all: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const db = await opened()
  try {
    return await new Promise((resolve, reject) => {
      const change = db.transaction(store, 'readwrite')
      const all = change.objectStore(store)
      all.index('at').openCursor(IDBKeyRange.upperBound(now - kept)).onsuccess = ({ target }) => {
        const cursor = (target as IDBRequest<IDBCursorWithValue | null>).result
        cursor?.delete()
        cursor?.continue()
      }
      const request = ask(all)
      change.oncomplete = () => resolve(request.result)
      change.onabort = () => reject(change.error)
    })
  } finally {
    db.close()
  }
}

function opened(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(database, 1)
    request.onupgradeneeded = () => request.result.createObjectStore(store, { keyPath: 'id' }).createIndex('at', 'at')
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}
