import { type Query, queryOptions, useQuery } from '@tanstack/react-query'
import { answer, api, holderChanged, type Schemas, sendInRequests } from '../api/client'
import { queries } from '../api/queries'
import { carry, dropBelongings, resumeBelongings } from './belongings'
import { holderOf, isSomebodyElse } from './holder'
import { database, leftAt, luggage } from './left'

/** Who is logged in, and which ways there are to log in. */
export type Session = Schemas['Session'] & {
  /** It ended by itself, in the middle of something. */
  ended?: boolean
}

/** What a credential permits. */
export type Scope = 'upload' | 'read' | 'operate' | 'admin'

const key = ['session'] as const

/** The session of this browser. */
export const sessionQuery = queryOptions({
  queryKey: key,
  queryFn: async ({ signal }) => adopt(await answer(api.GET('/v1/session', { signal }))),
  staleTime: Number.POSITIVE_INFINITY,
})

// Who was logged in last, also after their session has ended: they may go on where they were.
let last: Session | undefined

// Where that is kept in this browser, so that the next one gets nothing that was left in another tab.
const lastIn = 'orak.holder'

function adopt(session: Session): Session {
  sendInRequests(session.csrf ?? '', session.all_tenants ?? false)
  if (!session.authenticated) return { ...session, ended: last !== undefined }
  const holder = holderOf(session)
  const other = isSomebodyElse(lastHolder() ?? localStorage.getItem(lastIn), holder)
  last = session
  // Leaving loses something again: the trip to the provider was cancelled, if there was one.
  carry(false)
  if (other) {
    giveUp()
    // Pages may be open, if another tab logged in: they read everything again.
    void queries.resetQueries({ predicate: isOfPages })
  } else resumeBelongings()
  localStorage.setItem(lastIn, holder)
  unpack(holder)
  return session
}

// The id stays until it is unpacked: what fails is tried again with the next session, or page.
function unpack(holder: string) {
  if (sessionStorage.getItem(luggage)) import('../luggage/back').then((back) => back.unpack(holder)).catch(() => {})
}

/** Who was logged in last in this tab; undefined if nobody was. */
export function lastHolder(): string | undefined {
  return last && holderOf(last)
}

/** Logs in with an API key, or with the code of an address. Throws a Problem if it is refused. */
export async function login(secret: { key: string } | { code: string }) {
  const session = await answer(api.POST('/v1/session', { body: secret }))
  forget()
  queries.setQueryData(key, adopt(session))
}

/** Logs out, and forgets everything that was read, is sent, recorded or decided. */
export async function logout() {
  await answer(api.DELETE('/v1/session'))
  last = undefined
  giveUp()
  forget()
  await queries.fetchQuery({ ...sessionQuery, staleTime: 0 })
}

/** Reads the session again, since another tab of this browser may have logged in. */
export async function renewSession() {
  await queries.fetchQuery({ ...sessionQuery, staleTime: 0 })
}

// What this browser stores of the person who is logged in: which files were not sent in full, and the name of who decides.
const stored = /^tus::|^orak\.(by|holder)$/

/** Leaves nothing of the one who was logged in to the next one. */
function giveUp() {
  holderChanged()
  dropBelongings()
  for (const name of Object.keys(localStorage)) if (stored.test(name)) localStorage.removeItem(name)
  // What tabs left that are at the identity provider. If this tab is back as somebody else, its owner may log in yet.
  if (sessionStorage.getItem(luggage)) return
  localStorage.removeItem(leftAt)
  indexedDB.deleteDatabase(database)
}

/** Removes what was read for another credential. The session itself stays, since the frame of the page watches it. */
function forget() {
  queries.removeQueries({ predicate: isOfPages })
}

function isOfPages(query: Query): boolean {
  return query.queryKey[0] !== key[0]
}

/** Shows the login over the page that was open; what it showed is kept. */
export function endSession() {
  queries.setQueryData<Session>(key, (before) => before && { authenticated: false, ways: before.ways, ended: true })
}

/** The session, once it is known. */
export function useSession(): Session | undefined {
  return useQuery(sessionQuery).data
}

/** Whether the session's credential has a scope. */
export function usePermitted(scope: Scope): boolean {
  return useSession()?.scopes?.includes(scope) ?? false
}
