import { queryOptions } from '@tanstack/react-query'
import { answer, api, everyTenant } from '../../api/client'

/** The tenants that are known, with their limits and what they use. */
export const tenantsQuery = queryOptions({
  queryKey: ['tenants'],
  queryFn: ({ signal }) =>
    answer(api.GET('/v1/admin/tenants', { params: { header: { 'X-Orak-Tenant': everyTenant() } }, signal })),
  staleTime: 10_000,
})
