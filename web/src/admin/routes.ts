import { createRoute, lazyRouteComponent, redirect } from '@tanstack/react-router'
import { root } from '../root'
import { texts } from '../shell/search'

const admin = createRoute({
  getParentRoute: () => root,
  path: '/admin',
  component: lazyRouteComponent(() => import('./Admin'), 'Admin'),
})

// Routes that are made within addChildren lose their types.

const first = createRoute({
  getParentRoute: () => admin,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/admin/keys' })
  },
})

const keys = createRoute({
  getParentRoute: () => admin,
  path: 'keys',
  validateSearch: texts('tenant', 'q'),
  component: lazyRouteComponent(() => import('./keys/Keys'), 'Keys'),
})

const webhooks = createRoute({
  getParentRoute: () => admin,
  path: 'webhooks',
  validateSearch: texts('tenant'),
  component: lazyRouteComponent(() => import('./webhooks/Webhooks'), 'Webhooks'),
})

const webhook = createRoute({
  getParentRoute: () => admin,
  path: 'webhooks/$id',
  validateSearch: texts('tenant', 'status', 'from', 'to', 'delivery'),
  component: lazyRouteComponent(() => import('./webhooks/Webhook'), 'Webhook'),
})

const tenants = createRoute({
  getParentRoute: () => admin,
  path: 'tenants',
  component: lazyRouteComponent(() => import('./tenants/Tenants'), 'Tenants'),
})

const settings = createRoute({
  getParentRoute: () => admin,
  path: 'settings',
  validateSearch: texts('tenant'),
  component: lazyRouteComponent(() => import('./settings/Settings'), 'Settings'),
})

const audit = createRoute({
  getParentRoute: () => admin,
  path: 'audit',
  validateSearch: texts('tenant', 'act', 'by', 'subject', 'from', 'to'),
  component: lazyRouteComponent(() => import('./audit/Audit'), 'Audit'),
})

/** The pages for administrators of keys, tenants, settings and webhooks. */
export const adminRoutes = [admin.addChildren([first, keys, webhooks, webhook, tenants, settings, audit])]
