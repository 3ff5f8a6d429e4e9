/**
 * An api is what a service offers others: routes with their schemas, and error codes. Types,
 * validation, the client and the documents all come from it.
 */
import type { DefinedErrors } from "@tideway/kernel";
import type { Static, TSchema } from "typebox";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/**
 * Who may call: anybody; a signed-in person; a service (with or without a person behind it); a part
 * of the platform alone (the bus, control).
 */
export type Auth = "public" | "person" | "service" | "platform";

/**
 * What goes first when a service has too much to do: settling what is reserved already (confirm,
 * cancel), then writes, then reads, then what can as well come later.
 */
export type RoutePriority = "settle" | "write" | "read" | "batch";

export interface RouteApi {
  readonly method: Method;
  /** Below `/api/<service>`, with `:params`: `/invoices/:invoiceId`. */
  readonly path: string;
  readonly auth: Auth;
  /** `public` routes are reachable through the public listener, `internal` only by services. */
  readonly exposure: "public" | "internal";
  readonly summary: string;
  /** True when the route needs an Idempotency-Key. */
  readonly idempotent?: boolean;
  /**
   * True when the same request again does nothing more, by its own fields rather than by an
   * Idempotency-Key: a transfer's id, say. Without it a POST or PATCH is never repeated by itself.
   */
  readonly repeatable?: boolean;
  /** Defaults by method: GET is a read, everything else a write. */
  readonly priority?: RoutePriority;
  readonly deadlineMs?: number;
  readonly bodyBytesMax?: number;
  readonly params?: TSchema;
  readonly query?: TSchema;
  readonly body?: TSchema;
  readonly reply: TSchema;
  readonly replyStatus?: number;
}

/** What goes first when there is too much: bulk is shed before normal; critical never is. */
export type SheddingClass = "critical" | "normal" | "bulk";

export interface EventApi {
  /** `<service>.<what>.<happened>.v<number>`: payments.invoice.paid.v1. */
  readonly type: string;
  readonly summary: string;
  /** The payload, as an object schema. */
  readonly data: TSchema;
  /** What the ordering key names, for readers: "the invoice". */
  readonly key: string;
  /** Defaults to normal. */
  readonly shedding?: SheddingClass;
}

export interface Api {
  readonly name: string;
  readonly version: string;
  readonly routes: Readonly<Record<string, RouteApi>>;
  /** What the service tells of by events. */
  readonly events?: Readonly<Record<string, EventApi>>;
  readonly errors: DefinedErrors;
}

export const EVENT_TYPE_PATTERN =
  /^([a-z][a-z0-9-]{1,30})(\.[a-z][a-z0-9-]{0,40}){1,5}\.v[1-9][0-9]{0,3}$/;

/** Routes that the platform itself calls; no service declares any. */
export const PLATFORM_PREFIX = "/tideway/";

/** Declares a service's api and keeps its literal types. */
export function defineApi<const T extends Api>(api: T): T {
  for (const [name, route] of Object.entries(api.routes)) {
    if (!/^\/[a-z0-9/:_.-]*$/i.test(route.path)) {
      throw new Error(`${api.name}.${name}: the path ${route.path} is not a route path.`);
    }
    if (route.path.startsWith(PLATFORM_PREFIX) !== (route.auth === "platform")) {
      throw new Error(`${api.name}.${name}: paths below ${PLATFORM_PREFIX} are the platform's.`);
    }
  }
  for (const [name, event] of Object.entries(api.events ?? {})) {
    if (EVENT_TYPE_PATTERN.exec(event.type)?.[1] !== api.name) {
      throw new Error(
        `${api.name}.${name}: ${event.type} is not ${api.name}.<what>.<happened>.v1.`,
      );
    }
  }
  return api;
}

type SchemaOf<R, K extends string> = R extends { readonly [P in K]: infer S extends TSchema }
  ? Static<S>
  : undefined;
export type ParamsOf<R extends RouteApi> = SchemaOf<R, "params">;
export type QueryOf<R extends RouteApi> = SchemaOf<R, "query">;
export type BodyOf<R extends RouteApi> = SchemaOf<R, "body">;
export type ReplyOf<R extends RouteApi> = Static<R["reply"]>;
export type DataOf<E extends EventApi> = Static<E["data"]>;

/** The default time a route has, from the gateway's first byte to the reply. */
export const DEADLINE_MS_DEFAULT = 10_000;
export const BODY_BYTES_MAX_DEFAULT = 1_048_576;
