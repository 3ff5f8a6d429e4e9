/**
 * Calls to other services: through the gateway's internal listener, with this instance's secret,
 * the person's token, the trace and the time that is left. What may be repeated is (`isRepeatable`),
 * within the deadline and the upstream's budget; every route that moves money may, as it is
 * idempotent by an id or key that the caller chose.
 */
import { createClient } from "@tideway/client";
import type { ClientOf } from "@tideway/client";
import { DEADLINE_MS_DEFAULT } from "@tideway/schema";
import type { Api, RouteApi } from "@tideway/schema";
import { childOf, currentTrace, newTrace, traceHeaders } from "@tideway/telemetry";
import { INSTANCE_HEADER } from "@tideway/trust";
import { Agent, request } from "undici";
import type { ServiceConfig } from "./config.ts";
import { currentRequest } from "./context.ts";
import { recorderOf } from "./expectations/recorders.ts";
import { Upstream } from "./resilience/upstream.ts";
import type { Answer } from "./resilience/upstream.ts";

const agent = new Agent({
  connections: 128,
  pipelining: 1,
  keepAliveTimeout: 10_000,
  connectTimeout: 5_000,
});

type CallerConfig = Pick<ServiceConfig, "internalUrl" | "instance" | "instanceSecret"> & {
  /** Who calls: what it sends and reads is recorded under this name. */
  readonly service?: string;
  /**
   * `none` for whoever must know what became of each try: an answer to a second one says nothing of
   * a first that was lost and may still be under way. It then repeats by itself.
   */
  readonly retries?: "none";
};

/**
 * A typed client of another service's api.
 *
 * @example const ledger = createInternalClient(ledgerApi, config);
 */
export function createInternalClient<A extends Api>(api: A, config: CallerConfig): ClientOf<A> {
  const upstream = upstreamOf(config, api.name);
  const calls: Record<string, unknown> = {};
  for (const [name, route] of Object.entries(api.routes)) {
    // A client of one route each, so that its `fetch` knows which one it is.
    const client: Readonly<Record<string, unknown>> = createClient(
      { ...api, routes: { [name]: route } },
      {
        baseUrl: `${config.internalUrl}/api/${api.name}`,
        token: () => currentRequest()?.token ?? null,
        headers: () => ({ [INSTANCE_HEADER]: `${config.instance}:${config.instanceSecret}` }),
        fetch: (url, init) => {
          const mayRepeat = config.retries !== "none" && isRepeatable(route);
          return call({ upstream, isRepeatable: mayRepeat, url, init });
        },
        ...(config.service === undefined ? {} : { recorder: recorderOf(config.service) }),
      },
    );
    calls[name] = client[name];
  }
  // The loop above makes exactly the functions that the mapped type promises.
  return calls as ClientOf<A>;
}

/** Whether the same request again does no more than once. */
export function isRepeatable(route: RouteApi): boolean {
  if (route.repeatable === true || route.idempotent === true) return true;
  return route.method === "GET" || route.method === "PUT" || route.method === "DELETE";
}

const upstreams = new WeakMap<CallerConfig, Map<string, Upstream<Told>>>();

/** One for all clients of a service in this process: they share its circuit, places and budget. */
function upstreamOf(config: CallerConfig, service: string): Upstream<Told> {
  const known = upstreams.get(config) ?? new Map<string, Upstream<Told>>();
  upstreams.set(config, known);
  const upstream = known.get(service) ?? new Upstream<Told>({ service });
  known.set(service, upstream);
  return upstream;
}

/** An answer that was read to its end. */
interface Told extends Answer {
  readonly response: Response;
}

interface Call {
  readonly upstream: Upstream<Told>;
  readonly isRepeatable: boolean;
  readonly url: string;
  readonly init: RequestInit;
}

async function call({ upstream, isRepeatable, url, init }: Call): Promise<Response> {
  const told = await upstream.call({
    endsAtMs: currentRequest()?.deadlineAtMs ?? performance.now() + DEADLINE_MS_DEFAULT,
    isRepeatable,
    signal: init.signal ?? null,
    send: (leftMs) => once(url, init, leftMs),
  });
  return told.response;
}

async function once(url: string, init: RequestInit, leftMs: number): Promise<Told> {
  const trace = childOf(currentTrace() ?? newTrace());
  const headers = {
    // createClient always passes a plain record.
    ...(init.headers as Record<string, string>),
    ...traceHeaders(trace),
    // Never more than there is, or the time would grow with each hop.
    "tideway-deadline": String(Math.max(1, Math.floor(leftMs))),
  };
  const signals = [AbortSignal.timeout(Math.ceil(leftMs))];
  if (init.signal) signals.push(init.signal);
  const answer = await request(url, {
    dispatcher: agent,
    // createClient only passes the methods of an api.
    method: (init.method ?? "GET") as "GET",
    headers,
    body: typeof init.body === "string" ? init.body : null,
    signal: AbortSignal.any(signals),
  });
  const text = await answer.body.text();
  const replyHeaders: Record<string, string> = {};
  for (const name of ["content-type", "retry-after", "tideway-trace", "tideway-revision"]) {
    const value = answer.headers[name];
    if (typeof value === "string") replyHeaders[name] = value;
  }
  const status = answer.statusCode;
  return {
    response: new Response(text, { status, headers: replyHeaders }),
    status,
    isShedding: status === 503 && SHEDDING.test(text),
    retryAfterMs: retryAfterMs(answer.headers["retry-after"]),
  };
}

/** Refusals by what was asked for: too much of its class, or it would publish more than can wait. */
const SHEDDING = /"code":"(?:OVERLOADED|EVENTS_BACKLOGGED)"/;

/** Seconds, as our own parts send it (RFC 9110 section 10.2.3 knows dates too). */
function retryAfterMs(header: string | string[] | undefined): number {
  const seconds = typeof header === "string" ? Number(header) : 0;
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : 0;
}
