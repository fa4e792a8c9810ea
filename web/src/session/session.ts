import { type Query, queryOptions, useQuery } from '@tanstack/react-query'
import { answer, api, holderChanged, type Schemas, sendInRequests } from '../api/client'
import { queries } from '../api/queries'
import { dropBelongings, resumeBelongings } from './belongings'
import { holderOf, isSomebodyElse } from './holder'

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

function adopt(session: Session): Session {
  sendInRequests(session.csrf ?? '', session.all_tenants ?? false)
  if (!session.authenticated) return { ...session, ended: last !== undefined }
  const other = isSomebodyElse(last, session)
  last = session
  if (other) {
    giveUp()
    // Pages may be open, if another tab logged in: they read everything again.
    void queries.resetQueries({ predicate: isOfPages })
  } else resumeBelongings()
  unpack(session)
  return session
}

/** Where a tab that is at the identity provider keeps the id of what it left in this browser. */
export const luggage = 'orak.luggage'

function unpack(session: Session) {
  const id = sessionStorage.getItem(luggage)
  if (!id) return
  sessionStorage.removeItem(luggage)
  void import('../luggage/back').then((back) => back.unpack(id, holderOf(session)))
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
const stored = /^tus::|^orak\.by$/

/** Leaves nothing of the one who was logged in to the next one. */
function giveUp() {
  holderChanged()
  dropBelongings()
  for (const name of Object.keys(localStorage)) if (stored.test(name)) localStorage.removeItem(name)
  // What tabs left that are at the identity provider.
  indexedDB.deleteDatabase('orak')
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
