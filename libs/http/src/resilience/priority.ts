/**
 * What goes first when there is too much. What settles money that is reserved already comes before
 * what reserves more, that before what only reads, and that before what can as well come later:
 *
 *   settle (confirm, cancel)  >  write  >  read  >  batch
 *
 * A route's class follows from its declaration. A delivery of events carries many kinds, so the bus
 * names the batch's class in the standard `priority` header (RFC 9218, `u=` from 0, the most
 * urgent, to 7); only the platform's own routes listen to it.
 */
import { PLATFORM_PREFIX } from "@tideway/schema";
import type { RouteApi, RoutePriority } from "@tideway/schema";

export const PRIORITY_HEADER = "priority";

/** From what is shed first to what is never shed. */
export const PRIORITIES = ["batch", "read", "write", "settle"] as const satisfies RoutePriority[];

const DELIVERY_PATHS = [`${PLATFORM_PREFIX}events`, `${PLATFORM_PREFIX}jobs/`];

/** The class that a route has by its declaration. */
export function priorityOf(route: RouteApi): RoutePriority {
  if (route.priority !== undefined) return route.priority;
  if (isDelivery(route)) return "batch";
  // Operators look at sagas and mend them most of all when there is too much of something.
  if (route.auth === "platform") return "settle";
  return route.method === "GET" ? "read" : "write";
}

/** True for routes whose class each request names by itself. */
export function isDelivery(route: RouteApi): boolean {
  return (
    route.auth === "platform" && DELIVERY_PATHS.some((prefix) => route.path.startsWith(prefix))
  );
}

/** The class that a delivery's `priority` header names; batch without one. */
export function deliveryPriority(header: string | undefined): RoutePriority {
  const urgency = /(?:^|[\s,;])u=([0-7])(?:$|[\s,;])/.exec(header ?? "")?.[1];
  if (urgency === undefined) return "batch";
  if (Number(urgency) <= 1) return "settle";
  return Number(urgency) <= 4 ? "write" : "batch";
}
