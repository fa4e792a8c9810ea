import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { root } from '../root'

/** The pages for the person with a microphone. */
export const singerRoutes = [
  createRoute({
    getParentRoute: () => root,
    path: '/',
    component: lazyRouteComponent(() => import('./Home'), 'Home'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/uploads',
    component: lazyRouteComponent(() => import('./Recordings'), 'Recordings'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/uploads/$id',
    component: lazyRouteComponent(() => import('./Recording'), 'Recording'),
  }),
]
