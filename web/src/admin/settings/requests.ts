import { queryOptions } from '@tanstack/react-query'
import { answer, api, everyTenant, type Schemas } from '../../api/client'
import { queries } from '../../api/queries'

/** A live setting and its value in effect. */
export type Setting = Schemas['Setting']

/** The live settings of a tenant, or those that apply everywhere. */
export function settingsQuery(tenant: string | undefined) {
  return queryOptions({
    queryKey: ['settings', tenant ?? ''],
    queryFn: ({ signal }) =>
      answer(
        api.GET('/v1/admin/settings', {
          params: { header: { 'X-Orak-Tenant': everyTenant() }, query: { tenant } },
          signal,
        }),
      ),
  })
}

/** Sets a setting, unless somebody has changed it since it was read. */
export function setSetting(setting: Setting, tenant: string | undefined, value: string): Promise<Setting> {
  const params = { header: { 'X-Orak-Tenant': everyTenant() }, path: { name: setting.name }, query: { tenant } }
  const body = { value, version: setting.version }
  return refreshed(answer(api.PUT('/v1/admin/settings/{name}', { params, body })))
}

/** Brings the default back, unless somebody has changed the setting since it was read. */
export function unsetSetting(setting: Setting, tenant: string | undefined): Promise<Setting> {
  const query = { tenant, version: setting.version }
  const params = { header: { 'X-Orak-Tenant': everyTenant() }, path: { name: setting.name }, query }
  return refreshed(answer(api.DELETE('/v1/admin/settings/{name}', { params })))
}

// Also after a refusal: somebody else was faster, and what they set is to be seen.
function refreshed<T>(done: Promise<T>): Promise<T> {
  return done.finally(() => {
    void queries.invalidateQueries({ queryKey: ['settings'] })
    void queries.invalidateQueries({ queryKey: ['tenants'] })
  })
}
