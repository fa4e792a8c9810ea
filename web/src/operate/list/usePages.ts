import { type QueryKey, useQuery } from '@tanstack/react-query'
import { type RefObject, useEffect, useReducer, useRef, useState } from 'react'
import { append, merge, news, prune, type Rows } from './merge'

type Read<R> = (token: string | undefined, signal: AbortSignal) => Promise<Rows<R>>

type Options<R> = {
  /** Names the list in the cache. Give the component that calls this hook the same key: another list begins anew. */
  queryKey: QueryKey
  read: Read<R>
  /** True while a person works on the rows: none may be added then. */
  still: RefObject<boolean>
}

type State<R> = { loaded?: Rows<R>; fresh: number }

type Change<R> = { page: Rows<R>; as: 'head' | 'still' | 'behind' }

function changed<R extends { id: string }>({ loaded, fresh }: State<R>, { page, as }: Change<R>): State<R> {
  if (!loaded) return { loaded: page, fresh: 0 }
  if (as === 'behind') return { loaded: append(loaded, page), fresh }
  if (as === 'still') return { loaded: prune(loaded, page), fresh: news(loaded, page) }
  return { loaded: merge(loaded, page), fresh: 0 }
}

/**
 * A list that is read page after page as far as a person scrolls, and whose beginning is kept up to date. Queries
 * with pages would read all of them anew each time.
 */
export function usePages<R extends { id: string }>({ queryKey, read, still }: Options<R>) {
  const [{ loaded, fresh }, change] = useReducer(changed<R>, { fresh: 0 })
  const [behind, setBehind] = useState<{ loading: boolean; error?: Error }>({ loading: false })
  const stop = useRef<AbortController>(undefined)
  const head = useQuery({
    queryKey: [...queryKey, 'head'],
    queryFn: ({ signal }) => read(undefined, signal),
    refetchInterval: 5_000,
  })
  useEffect(() => {
    if (head.data) change({ page: head.data, as: still.current ? 'still' : 'head' })
  }, [head.data, still])
  useEffect(() => () => stop.current?.abort(), [])

  function more() {
    const token = loaded?.next
    if (!token || behind.loading) return
    stop.current = new AbortController()
    setBehind({ loading: true })
    read(token, stop.current.signal).then(
      (page) => {
        change({ page, as: 'behind' })
        setBehind({ loading: false })
      },
      (error: Error) => error.name !== 'AbortError' && setBehind({ loading: false, error }),
    )
  }

  return {
    head,
    rows: loaded?.rows,
    /** Whether there are rows behind those that are loaded. */
    open: loaded?.next !== undefined,
    more,
    loadingMore: behind.loading,
    moreError: behind.error,
    /** How many rows are new, and not shown yet. */
    fresh,
    showFresh: () => head.data && change({ page: head.data, as: 'head' }),
  }
}
