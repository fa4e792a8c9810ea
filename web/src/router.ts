import { createRouter } from '@tanstack/react-router'
import { adminRoutes } from './admin/routes'
import { operateRoutes } from './operate/routes'
import { root } from './root'
import { singerRoutes } from './singer/routes'

/** The pages of the console. Each is loaded when it is first shown. */
export const router = createRouter({
  routeTree: root.addChildren([...singerRoutes, ...operateRoutes, ...adminRoutes]),
  defaultPreload: 'intent',
  scrollRestoration: true,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
