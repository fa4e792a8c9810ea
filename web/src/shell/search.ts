/** Takes texts from the address and ignores everything else there. A tenant's name may look like a number. */
export function texts<K extends string>(...names: K[]) {
  return (search: Record<string, unknown>): { [N in K]?: string } => {
    const found: { [N in K]?: string } = {}
    for (const name of names) {
      const value = search[name]
      if (typeof value === 'object' || value === undefined || value === '') continue
      found[name] = String(value)
    }
    return found
  }
}
