/** The console's addresses. Filters and tabs are part of them, so that any view can be sent on. */
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
} from "@tanstack/react-router";
import {
  readEventGroupSearch,
  readEventsSearch,
  readRolloutSearch,
  readSagaSearch,
  readSagasSearch,
  readServiceSearch,
  readServicesSearch,
} from "./domain/search.ts";
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

const sagasRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/sagas",
  validateSearch: readSagasSearch,
  component: lazyRouteComponent(() => import("./screens/sagas/sagas.tsx"), "SagasScreen"),
});

const sagaRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/sagas/$saga",
  validateSearch: readSagaSearch,
  component: lazyRouteComponent(() => import("./screens/saga/saga.tsx"), "SagaScreen"),
});

const eventsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/events",
  validateSearch: readEventsSearch,
  component: lazyRouteComponent(() => import("./screens/events/events.tsx"), "EventsScreen"),
});

const eventGroupRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/events/$service",
  validateSearch: readEventGroupSearch,
  component: lazyRouteComponent(
    () => import("./screens/event-group/event-group.tsx"),
    "EventGroupScreen",
  ),
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
  sagasRoute,
  sagaRoute,
  eventsRoute,
  eventGroupRoute,
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
