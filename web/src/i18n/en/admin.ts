export default {
  title: 'Admin',
  nav: {
    keys: 'API keys',
    webhooks: 'Webhooks',
    tenants: 'Tenants',
    settings: 'Settings',
    audit: 'Audit',
  },
  tenant: 'Tenant',
  tenantForm: 'Lowercase letters, digits and hyphens, up to 63',
  defaultTenant: 'default',
}
