import type { operations } from '../../api/contract'
import { compact, type Given, oneOf, textOf, wordsOf } from '../search'

/** Which uploads are shown, as it stands in the address. */
export type Filter = {
  /** Statuses, separated by commas. */
  status?: string
  owner?: string
  kind?: 'voice' | 'song'
  /** An age such as 24h, or a time: received since then. */
  from?: string
  /** A part of the file name. */
  text?: string
  /** Whose uploads; undefined are those of the credential's own tenant. */
  tenant?: string
}

type Query = NonNullable<operations['listUploads']['parameters']['query']>

/** Reads the filter of an address. */
export function filterOf(given: Given): Filter {
  return compact({
    status: wordsOf(given.status)?.join(','),
    owner: textOf(given.owner),
    kind: oneOf(['voice', 'song'], given.kind),
    from: textOf(given.from),
    text: textOf(given.text),
    tenant: textOf(given.tenant),
  })
}

/** The filters of the API. */
export function queryOf({ status, owner, kind, from, text }: Filter): Query {
  return compact({ status: wordsOf(status) as Query['status'], owner, kind, from, text })
}
