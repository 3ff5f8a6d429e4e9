/** The console's addresses. Filters and tabs are part of them, so that any view can be sent on. */
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
} from "@tanstack/react-router";
import { readRolloutSearch, readServiceSearch, readServicesSearch } from "./domain/search.ts";
import { SessionGate } from "./screens/session-gate.tsx";
import { HomeScreen } from "./screens/home.tsx";
import { NotFoundScreen } from "./screens/not-found.tsx";
import { ServicesScreen } from "./screens/services/services.tsx";

const rootRoute = createRootRoute({ component: SessionGate, notFoundComponent: NotFoundScreen });

const homeRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/",
  component: HomeScreen,
});

const servicesRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/services",
  validateSearch: readServicesSearch,
  component: ServicesScreen,
});

const serviceRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/services/$service",
  validateSearch: readServiceSearch,
  component: lazyRouteComponent(() => import("./screens/service/service.tsx"), "ServiceScreen"),
});

const rolloutRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/rollouts/$rolloutId",
  validateSearch: readRolloutSearch,
  component: lazyRouteComponent(() => import("./screens/rollout/rollout.tsx"), "RolloutScreen"),
});

const auditRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/audit",
  component: lazyRouteComponent(() => import("./screens/audit.tsx"), "AuditScreen"),
});

const routeTree = rootRoute.addChildren([
  homeRoute,
  servicesRoute,
  serviceRoute,
  rolloutRoute,
  auditRoute,
]);

export function createConsoleRouter() {
  return createRouter({ routeTree, scrollRestoration: true, defaultPreload: "intent" });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof createConsoleRouter>;
  }
}
