import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { root } from '../root'
import { texts } from '../shell/search'
import { filterOf } from './deadletters/filter'
import { oneOf, textOf } from './search'
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
  validateSearch: (given): { view?: 'timeline' | 'event' | 'commands' | 'json'; tenant?: string } => ({
    view: oneOf(['event', 'commands', 'json'], given.view),
    tenant: textOf(given.tenant),
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

const lag = createRoute({
  getParentRoute: () => section,
  path: 'lag',
  validateSearch: (given): { group?: string } => ({ group: textOf(given.group) }),
  component: lazyRouteComponent(() => import('./watch/Lag'), 'LagPage'),
})

const queues = createRoute({
  getParentRoute: () => section,
  path: 'queues',
  component: lazyRouteComponent(() => import('./watch/Queues'), 'QueuesPage'),
})

const topics = createRoute({
  getParentRoute: () => section,
  path: 'topics',
  component: lazyRouteComponent(() => import('./watch/Topics'), 'TopicsPage'),
})

const outages = createRoute({
  getParentRoute: () => section,
  path: 'outages',
  component: lazyRouteComponent(() => import('./watch/Outages'), 'OutagesPage'),
})

const reconcile = createRoute({
  getParentRoute: () => section,
  path: 'reconcile',
  component: lazyRouteComponent(() => import('./watch/Reconcile'), 'ReconcilePage'),
})

const sinks = createRoute({
  getParentRoute: () => section,
  path: 'sinks',
  component: lazyRouteComponent(() => import('./watch/Sinks'), 'SinksPage'),
})

const songs = createRoute({
  getParentRoute: () => section,
  path: 'songs',
  validateSearch: texts('tenant'),
  component: lazyRouteComponent(() => import('../songs/Songs'), 'Songs'),
})

/** The pages for operators on call. */
export const operateRoutes = [
  section.addChildren([
    home,
    deadLetters,
    deadLetter,
    uploads,
    upload,
    queues,
    lag,
    topics,
    outages,
    reconcile,
    sinks,
    songs,
  ]),
]
