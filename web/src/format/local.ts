/** A time as an input of type datetime-local has it, in the zone of the browser; empty for none. */
export function toLocal(iso: string | undefined): string {
  if (!iso) return ''
  const at = new Date(iso)
  if (Number.isNaN(at.getTime())) return ''
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}

/** The time that an input of type datetime-local has; undefined for none. */
export function fromLocal(value: string): string | undefined {
  const at = new Date(value)
  return value && !Number.isNaN(at.getTime()) ? at.toISOString() : undefined
}
