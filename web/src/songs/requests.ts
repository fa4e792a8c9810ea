import { infiniteQueryOptions } from '@tanstack/react-query'
import { answer, api, type Schemas } from '../api/client'
import { queries } from '../api/queries'

/** A song that voices are compared with. */
export type Song = Schemas['Song']

/** The media types of an import, by how the file's name ends. */
const kinds = { csv: 'text/csv', jsonl: 'application/jsonl', ndjson: 'application/jsonl' } as const

/** The requests about the songs of one tenant; undefined is that of the credential. */
export function songsOf(tenant: string | undefined) {
  const header = { 'X-Orak-Tenant': tenant }
  const key = ['songs', tenant ?? '']

  async function refreshed<T>(done: Promise<T>): Promise<T> {
    const result = await done
    void queries.invalidateQueries({ queryKey: key })
    return result
  }

  return {
    list: infiniteQueryOptions({
      queryKey: key,
      queryFn: ({ signal, pageParam }) =>
        answer(api.GET('/v1/songs', { params: { header, query: { page_size: 200, page_token: pageParam } }, signal })),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (page) => page.next,
    }),

    /** Imports a file: all of its songs, or none. */
    load: (file: File) =>
      refreshed(
        answer(
          api.POST('/v1/songs', {
            params: { header },
            // The file itself is the body.
            body: file as unknown as string,
            bodySerializer: (body) => body as unknown as BodyInit,
            headers: { 'Content-Type': kindOf(file) ?? 'text/csv' },
          }),
        ),
      ),

    remove: (id: string) => refreshed(answer(api.DELETE('/v1/songs/{id}', { params: { header, path: { id } } }))),
  }
}

/** The requests about the songs of one tenant. */
export type SongRequests = ReturnType<typeof songsOf>

/** The media type of a file of songs; undefined if its name does not say it. */
export function kindOf(file: File): string | undefined {
  const ending = file.name.slice(file.name.lastIndexOf('.') + 1).toLowerCase()
  return kinds[ending as keyof typeof kinds]
}
