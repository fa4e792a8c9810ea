/** Where a tab that is at the identity provider keeps the id of what it left in this browser. */
export const luggage = 'orak.luggage'

/** Where this browser keeps when a tab left something the last time, in milliseconds since 1970. */
export const leftAt = 'orak.left'

/** For how long it is kept, in milliseconds. */
export const kept = 3_600_000

/** What tabs leave is in this database. */
export const database = 'orak'

/** Removes what was left in this browser, if all of it is too old: the tabs were closed at the provider. */
export function sweep(stored: Storage, now: number, databases: Pick<IDBFactory, 'deleteDatabase'>) {
  const at = stored.getItem(leftAt)
  if (!at || now - Number(at) < kept) return
  stored.removeItem(leftAt)
  databases.deleteDatabase(database)
}
