import { queryOptions } from '@tanstack/react-query'
import { answer, api, type Schemas } from '../../api/client'

/** An upload as the API shows it. */
export type Upload = Schemas['Upload']

/** The status of an upload. */
export const uploadQuery = (id: string) =>
  queryOptions({
    queryKey: ['upload', id],
    queryFn: ({ signal }) => answer(api.GET('/v1/uploads/{id}', { params: { path: { id } }, signal })),
  })

/** Whether the processing goes on by itself. */
export function underWay(upload: Upload): boolean {
  return !upload.halted && ['queued', 'converting', 'analyzing', 'publishing'].includes(upload.status)
}

/** The steps as a singer sees them, in order. */
export const steps = ['queued', 'converting', 'analyzing', 'publishing'] as const

/** The place of an upload among the steps; their number once it is completed. */
export function stepOf(upload: Upload): number {
  if (upload.status === 'completed') return steps.length
  return Math.max(steps.indexOf(upload.status as (typeof steps)[number]), 0)
}
