import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { root } from '../root'
import { readFilters } from './list/filters'
import { readView } from './result/view'

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
    validateSearch: readFilters,
    component: lazyRouteComponent(() => import('./Recordings'), 'Recordings'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/uploads/$id',
    validateSearch: readView,
    component: lazyRouteComponent(() => import('./Recording'), 'Recording'),
  }),
]
