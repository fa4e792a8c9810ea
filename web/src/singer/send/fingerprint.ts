const stored = 'tus::'
const locked = 'orak.send '

/** What tells a file from others in this browser: the same for each choice of the same file, in each tab. */
export function fingerprintOf({ name, type, size, lastModified }: File, endpoint: string): string {
  return ['tus-br', name, type, size, lastModified, endpoint].join('-')
}

/** The fingerprint in a key under which tus-js-client stored how far a file was sent; undefined if it is another's key. */
export function fingerprintIn(key: string): string | undefined {
  return key.startsWith(stored) ? key.slice(stored.length, key.lastIndexOf('::')) : undefined
}

/** The name of the lock that the tab holds which sends a file. */
export function lockOf(fingerprint: string): string {
  return locked + fingerprint
}

/** The fingerprints of the files that some tab of this browser sends now; none where the browser has no locks. */
export async function sentNow(locks: LockManager | undefined = navigator.locks): Promise<Set<string>> {
  const { held = [] } = (await locks?.query()) ?? {}
  return new Set(held.flatMap(({ name }) => (name?.startsWith(locked) ? [name.slice(locked.length)] : [])))
}
