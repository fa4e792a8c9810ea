import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { root } from '../root'

/** The pages for whoever manages keys, tenants, settings and webhooks. */
export const adminRoutes = [
  createRoute({
    getParentRoute: () => root,
    path: '/admin',
    component: lazyRouteComponent(() => import('./Home'), 'Home'),
  }),
]
