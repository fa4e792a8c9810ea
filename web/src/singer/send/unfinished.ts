import { fingerprintIn } from './fingerprint'

/** How long the server keeps what arrived of a recording, at most, in milliseconds. */
const kept = 24 * 3_600_000

/**
 * The names of the files whose sending an earlier visit of the page did not finish, from what tus-js-client stored.
 * Those whose fingerprint is in `sent` are being sent by some tab now.
 */
export function unfinished(entries: Iterable<[string, string]>, now: number, sent: ReadonlySet<string>): string[] {
  const names = new Set<string>()
  for (const [key, value] of entries) {
    const fingerprint = fingerprintIn(key)
    if (fingerprint === undefined || sent.has(fingerprint)) continue
    const name = nameOf(value, now)
    if (name) names.add(name)
  }
  return [...names]
}

function nameOf(value: string, now: number): string | undefined {
  try {
    const { creationTime, metadata } = JSON.parse(value) as { creationTime: string; metadata?: { filename?: string } }
    return now - Date.parse(creationTime) < kept ? metadata?.filename : undefined
  } catch {
    return undefined
  }
}
