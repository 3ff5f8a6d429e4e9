/**
 * What a library adds to a service beside its api: the platform's own routes (deliveries of events,
 * jobs, sagas), work in the background, and an ear for "you have due work".
 */
import { PLATFORM_PREFIX } from "@tideway/schema";
import type { RouteApi } from "@tideway/schema";
import type { Handler } from "./handler.ts";

type Routes = Readonly<Record<string, RouteApi>>;

export interface ServiceModule {
  /** Named in logs: events, sagas. */
  readonly name: string;
  readonly routes: Routes;
  /** One for each route, each typed where it was defined (`platformHandlers`). */
  readonly handlers: Readonly<Record<string, unknown>>;
  /** Runs before `/ready` answers 200. */
  readonly start?: () => Promise<void>;
  /** Ends loops; called when the last request was answered, in reverse order of `modules`. */
  readonly stop?: () => Promise<void>;
  /** Looks for due work at once; answers how many pieces were due. */
  readonly wake?: () => Promise<number>;
}

/**
 * Types the handlers of platform routes.
 *
 * @example platformHandlers(eventRoutes, { deliverEvents: async ({ body }) => ({ results: [] }) })
 */
export function platformHandlers<const R extends Routes>(
  routes: R,
  handlers: { readonly [K in keyof R]: Handler<R[K]> },
): { readonly routes: R; readonly handlers: typeof handlers } {
  for (const route of Object.values(routes)) {
    if (!route.path.startsWith(PLATFORM_PREFIX)) {
      throw new Error(`${route.path} is not a route of the platform.`);
    }
  }
  return { routes, handlers };
}
