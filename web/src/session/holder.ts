/** What tells who is logged in. */
type Who = { by?: string; tenant?: string; csrf?: string }

// The names of credentials with a session have the session at their end, which is another one after each login.
/** Who is logged in, as a text that is the same after each login of the same one. */
export function holderOf({ by = '', tenant = '', csrf }: Who): string {
  return `${csrf ? by.replace(/\/[^/]*$/, '') : by} ${tenant}`
}

/** Whether a session is of another credential or tenant than the one before it. */
export function isSomebodyElse(before: Who | undefined, now: Who): boolean {
  return before !== undefined && holderOf(before) !== holderOf(now)
}
