import { queryOptions } from '@tanstack/react-query'
import { answer, api, everyTenant } from '../api/client'

/** What needs a person now. */
export const attentionQuery = queryOptions({
  queryKey: ['attention'],
  queryFn: ({ signal }) =>
    answer(api.GET('/v1/attention', { params: { header: { 'X-Orak-Tenant': everyTenant() } }, signal })),
})
