/**
 * Decides where a request goes and whether it may: revision by the person, route of that revision,
 * who may call it. Nothing here waits, and nothing here is labelled: a request that is refused
 * never reached a revision.
 */
import { commonErrors } from "@tideway/kernel";
import type { CodedError } from "@tideway/kernel";
import type { Core, Incoming } from "./core.ts";
import { readDelivery } from "./delivery.ts";
import type { Delivery } from "./delivery.ts";
import { gatewayErrors } from "./errors.ts";
import { allowedMethods } from "./router.ts";
import type { CompiledRoute, Exposure } from "./router.ts";
import type { Choice, Service } from "./service.ts";
import type { CallerEntry } from "./table.ts";
import { newVisitor, visitorCookie, visitorOf } from "./visitor.ts";

export interface Admission {
  readonly service: Service;
  readonly choice: Choice;
  readonly route: CompiledRoute;
  /** Path and query as the instance receives them. */
  readonly path: string;
  readonly caller: CallerEntry | null;
  readonly person: string | null;
  readonly personKey: string;
  /** Set for a part of the platform: what its request is pinned to, and whom it is about. */
  readonly delivery: Delivery | null;
  readonly setCookie: string | null;
  readonly deadlineMs: number;
}

export interface Identity {
  readonly caller: CallerEntry | null;
  readonly person: string | null;
  /** Why the token could not be checked, when that is not the caller's fault. */
  readonly unchecked: CodedError | null;
}

const API = "/api/";

/** Throws the coded error with which the request is refused. */
export function admit(core: Core, incoming: Incoming, identity: Identity): Admission {
  const { service, path } = findService(core, incoming);
  const { caller, person } = identity;
  const calls = caller?.revision?.calls;
  if (calls !== undefined && !calls.has(service.name)) throw forbidden(caller, service.name);
  const delivery = isPlatform(caller) ? readDelivery(incoming.head) : null;
  const { key, setCookie } = personKeyOf(core, incoming, person);
  const choice = service.choose(key, delivery?.pin ?? null);
  if (choice === null) throw routeUnknown(incoming);
  const route = routeOf(choice, incoming, path);
  checkAuth(service, route, identity);
  return {
    service,
    choice,
    route,
    path,
    caller,
    person,
    personKey: key,
    delivery,
    setCookie,
    deadlineMs: deadlineOf(route, incoming),
  };
}

/** The route a revision has for this request. Throws ROUTE_UNKNOWN or METHOD_NOT_ALLOWED. */
export function routeOf(choice: Choice, incoming: Incoming, path: string): CompiledRoute {
  const query = path.indexOf("?");
  const bare = query === -1 ? path : path.slice(0, query);
  const exposure: Exposure = incoming.listener === "public" ? "public" : "any";
  const match = choice.revision.router.find(incoming.method, bare, exposure);
  if (match.route !== null) return match.route;
  if (match.allow.length === 0) throw routeUnknown(incoming);
  throw gatewayErrors.error("METHOD_NOT_ALLOWED", {
    given: { method: incoming.method, path: pathOf(incoming), allow: allowedMethods(match) },
  });
}

export function routeUnknown(incoming: Incoming): CodedError {
  const given = { method: incoming.method, path: pathOf(incoming) };
  return commonErrors.error("ROUTE_UNKNOWN", { given });
}

/** Without the query, which may hold personal data, and not longer than a reader needs. */
function pathOf(incoming: Incoming): string {
  return (incoming.target.split("?", 1)[0] ?? "").slice(0, 200);
}

function findService(core: Core, incoming: Incoming): { service: Service; path: string } {
  const { target } = incoming;
  // A fragment has no place in a request, and services would cut the path there.
  if (target.includes("#")) throw routeUnknown(incoming);
  let end = API.length;
  while (end < target.length && target[end] !== "/" && target[end] !== "?") end++;
  const service = core.table.services.get(target.slice(API.length, end));
  if (service === undefined) throw routeUnknown(incoming);
  const rest = target.slice(end);
  return { service, path: rest.startsWith("/") ? rest : `/${rest}` };
}

function personKeyOf(
  core: Core,
  incoming: Incoming,
  person: string | null,
): { key: string; setCookie: string | null } {
  if (person !== null) return { key: `person ${person}`, setCookie: null };
  if (incoming.listener === "internal") {
    return { key: `trace ${incoming.traceId}`, setCookie: null };
  }
  const visitor = visitorOf(incoming.head.cookie);
  if (visitor !== null) return { key: `visitor ${visitor}`, setCookie: null };
  if (!incoming.head.keepsCookies) {
    return { key: `address ${core.clientAddress(incoming.req)}`, setCookie: null };
  }
  const fresh = newVisitor();
  return { key: `visitor ${fresh}`, setCookie: visitorCookie(fresh, core.isSecure) };
}

function isPlatform(caller: CallerEntry | null): boolean {
  return caller !== null && caller.revision === null;
}

function forbidden(caller: CallerEntry | null, target: string): CodedError {
  const given = { caller: caller?.service ?? "nobody", target };
  return commonErrors.error("CALLER_FORBIDDEN", { given });
}

/** Parts of the platform call the platform's routes and no others, and nobody else calls those. */
function checkAuth(service: Service, route: CompiledRoute, identity: Identity): void {
  if ((route.auth === "platform") !== isPlatform(identity.caller)) {
    throw forbidden(identity.caller, `${route.template} of ${service.name}`);
  }
  if (route.auth === "platform") return;
  if (route.auth === "public") return;
  if (identity.unchecked !== null) throw identity.unchecked;
  if (route.auth === "person" && identity.person === null)
    throw commonErrors.error("TOKEN_MISSING");
  if (route.auth === "service" && identity.caller === null) {
    throw commonErrors.error("CALLER_UNKNOWN", {
      given: { reason: "only services may call this" },
    });
  }
}

/** The route's time, or what the calling service has left of its own if that is less. */
function deadlineOf(route: CompiledRoute, incoming: Incoming): number {
  const { deadline } = incoming.head;
  if (incoming.listener === "public" || deadline === null) return route.deadlineMs;
  if (!/^\d{1,9}$/.test(deadline)) return route.deadlineMs;
  return Math.min(route.deadlineMs, Number(deadline));
}
