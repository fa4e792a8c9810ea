const stored = 'tus::'
const locked = 'orak.send '

/** How many bytes at either end of a file are part of its fingerprint. */
const ends = 64 << 10

/** Gives what tells a file from others in this browser. */
export type Fingerprints = (file: File) => Promise<string>

/**
 * Fingerprints that are the same for each choice of the same file, in each tab. Recorders give many files the same name,
 * size and time: their ends differ. Without digests, which browsers have on secure addresses alone, files of a page that
 * look the same are counted.
 */
export function fingerprints(endpoint: string, digests: SubtleCrypto | undefined): Fingerprints {
  const known = new WeakMap<File, Promise<string>>()
  const alike = new Map<string, number>()
  async function fingerprintOf(file: File): Promise<string> {
    const { name, type, size, lastModified } = file
    const looks = ['tus-br', name, type, size, lastModified, endpoint].join('-')
    // One that cannot be read is refused in words when it is sent.
    if (digests) return `${looks}-${await digestOf(file, digests).catch(() => '')}`
    const before = alike.get(looks) ?? 0
    alike.set(looks, before + 1)
    return before ? `${looks}-${before}` : looks
  }
  return (file) => {
    const fingerprint = known.get(file) ?? fingerprintOf(file)
    known.set(file, fingerprint)
    return fingerprint
  }
}

async function digestOf(file: Blob, digests: SubtleCrypto): Promise<string> {
  const both = new Blob([file.slice(0, ends), file.slice(-ends)])
  const digest = new Uint8Array(await digests.digest('SHA-256', await both.arrayBuffer()))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** The fingerprint in a key under which tus-js-client stored how far a file was sent; undefined if it is another's key. */
export function fingerprintIn(key: string): string | undefined {
  return key.startsWith(stored) ? key.slice(stored.length, key.lastIndexOf('::')) : undefined
}

/** The name of the lock that the tab holds which sends a file of a person; another's is another upload. */
export function lockOf(holder: string, fingerprint: string): string {
  return `${locked}${encodeURIComponent(holder)} ${fingerprint}`
}

/** The fingerprints of the files that some tab of this browser sends now; none where the browser has no locks. */
export async function sentNow(locks: LockManager | undefined = navigator.locks): Promise<Set<string>> {
  const { held = [] } = (await locks?.query()) ?? {}
  const names = held.flatMap(({ name }) => (name?.startsWith(locked) ? [name.slice(locked.length)] : []))
  return new Set(names.map((name) => name.slice(name.indexOf(' ') + 1)))
}
