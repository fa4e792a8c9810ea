import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { root } from '../root'

/** The pages for whoever is on call. */
export const operateRoutes = [
  createRoute({
    getParentRoute: () => root,
    path: '/operate',
    component: lazyRouteComponent(() => import('./Home'), 'Home'),
  }),
]
