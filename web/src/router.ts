import { createRouter } from '@tanstack/react-router'
import { adminRoutes } from './admin/routes'
import { operateRoutes } from './operate/routes'
import { Broken, root } from './root'
import { singerRoutes } from './singer/routes'

/** The pages of the console. Each is loaded when it is first shown. */
export const router = createRouter({
  routeTree: root.addChildren([...singerRoutes, ...operateRoutes, ...adminRoutes]),
  defaultPreload: 'intent',
  scrollRestoration: true,
  defaultErrorComponent: Broken,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
