/** What tells who is logged in. */
type Who = { by?: string; tenant?: string; csrf?: string }

// The names of credentials with a session have the session at their end, which is another one after each login.
/** Who is logged in, as a text that is the same after each login of the same one. */
export function holderOf({ by = '', tenant = '', csrf }: Who): string {
  return `${csrf ? by.replace(/\/[^/]*$/, '') : by} ${tenant}`
}

/** Whether a holder is another credential or tenant than the one before it, if there was one. */
export function isSomebodyElse(before: string | null, now: string): boolean {
  return before !== null && before !== now
}
