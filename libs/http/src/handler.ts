/** A route's handler: typed by its api, free of the HTTP library. */
import type { Api, BodyOf, ParamsOf, QueryOf, ReplyOf, RouteApi } from "@tideway/schema";
import type { GrantClaim } from "@tideway/trust";

/** Who calls, as the gateway vouches for it. */
export interface Caller {
  /** The calling service, null for the public listener. */
  readonly service: string | null;
  readonly revision: string | null;
  readonly grants: readonly GrantClaim[];
}

export interface HandlerRequest<R extends RouteApi> {
  readonly params: ParamsOf<R>;
  readonly query: QueryOf<R>;
  readonly body: BodyOf<R>;
  /** The signed-in person; never null on a route with auth "person". */
  readonly person: string | null;
  readonly caller: Caller;
  readonly traceId: string;
  /** Fires when the deadline passes or the client goes away. */
  readonly signal: AbortSignal;
  /**
   * For idempotent routes: 32 hex digits that stay the same for the same principal, route and
   * key, however often the handler runs. Derive every id that leaves the service from it.
   */
  readonly operation: string;
  /**
   * For idempotent routes: true when an earlier run of the same operation may have begun, so that
   * its rows may be there; false spares looking for them. A run at the same time may still begin.
   */
  readonly isRepeat: boolean;
  header(name: string): string | undefined;
  setHeader(name: string, value: string): void;
}

/** May run twice for one request of a client, also at the same time: it must be re-entrant. */
export type Handler<R extends RouteApi> = (request: HandlerRequest<R>) => Promise<ReplyOf<R>>;

export type HandlersOf<A extends Api> = {
  readonly [K in keyof A["routes"]]: Handler<A["routes"][K]>;
};

/** The person of a request on a route with auth "person". */
export function personOf(request: { readonly person: string | null }): string {
  if (request.person === null) throw new Error("This route is declared for signed-in people.");
  return request.person;
}
