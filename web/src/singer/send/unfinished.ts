/** How long the server keeps what arrived of a recording, at most, in milliseconds. */
const kept = 24 * 3_600_000

/** The names of the files whose sending an earlier visit of the page did not finish, from what tus-js-client stored. */
export function unfinished(entries: Iterable<[string, string]>, now: number): string[] {
  const names = new Set<string>()
  for (const [key, value] of entries) {
    const name = key.startsWith('tus::') && nameOf(value, now)
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
