import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { root } from '../root'
import { filterOf } from './deadletters/filter'
import { oneOf } from './search'
import { filterOf as uploadFilterOf } from './uploads/filter'

const section = createRoute({
  getParentRoute: () => root,
  path: '/operate',
  component: lazyRouteComponent(() => import('./Section'), 'OperateSection'),
})

const home = createRoute({
  getParentRoute: () => section,
  path: '/',
  component: lazyRouteComponent(() => import('./Home'), 'Home'),
})

const deadLetters = createRoute({
  getParentRoute: () => section,
  path: 'dead-letters',
  validateSearch: filterOf,
  component: lazyRouteComponent(() => import('./deadletters/DeadLetters'), 'DeadLetters'),
})

const deadLetter = createRoute({
  getParentRoute: () => section,
  path: 'dead-letters/$id',
  validateSearch: (given): { view?: 'timeline' | 'event' | 'commands' | 'json' } => ({
    view: oneOf(['event', 'commands', 'json'], given.view),
  }),
  component: lazyRouteComponent(() => import('./deadletters/DeadLetterPage'), 'DeadLetterPage'),
})

const uploads = createRoute({
  getParentRoute: () => section,
  path: 'uploads',
  validateSearch: uploadFilterOf,
  component: lazyRouteComponent(() => import('./uploads/Uploads'), 'Uploads'),
})

const upload = createRoute({
  getParentRoute: () => section,
  path: 'uploads/$id',
  validateSearch: (given): { view?: 'timeline' | 'options' | 'json' } => ({
    view: oneOf(['options', 'json'], given.view),
  }),
  component: lazyRouteComponent(() => import('./uploads/UploadPage'), 'UploadPage'),
})

/** The pages for whoever is on call. */
export const operateRoutes = [section.addChildren([home, deadLetters, deadLetter, uploads, upload])]
