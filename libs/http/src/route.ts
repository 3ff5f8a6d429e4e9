/** One route: who may call, schemas, deadline, idempotency, and one log line for each request. */
import { commonErrors, present } from "@tideway/kernel";
import type { Clock } from "@tideway/kernel";
import {
  BODY_BYTES_MAX_DEFAULT,
  DEADLINE_MS_DEFAULT,
  PLATFORM_CALLERS,
  VIOLATION_HEADER,
} from "@tideway/schema";
import type { RouteApi } from "@tideway/schema";
import type { Pool } from "@tideway/store";
import { newTrace, readTrace, withTrace } from "@tideway/telemetry";
import type { Logger, Metrics, TraceContext } from "@tideway/telemetry";
import { ASSERTION_HEADER, assertionKeyOf, assertionSecret, verifyAssertion } from "@tideway/trust";
import type { Assertion } from "@tideway/trust";
import { clientGone } from "./client-gone.ts";
import type { ServiceConfig } from "./config.ts";
import { withRequestContext } from "./context.ts";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "./fastify.ts";
import type { HandlerRequest } from "./handler.ts";
import { checkIdempotencyKey, claimKey, completeKey, digestRequest } from "./idempotency.ts";
import { refusalOf } from "./idempotency.ts";
import type { StoredAnswer } from "./idempotency.ts";
import { PROBLEM_TYPE } from "./problem.ts";
import { createReplyCheck } from "./reply-check/reply-check.ts";
import type { ReplyCheck } from "./reply-check/reply-check.ts";
import type { LoadShedder } from "./resilience/load-shedder.ts";
import {
  PRIORITY_HEADER,
  deliveryPriority,
  isDelivery,
  priorityOf,
} from "./resilience/priority.ts";
import { checkText } from "./text.ts";

const JSON_TYPE = "application/json; charset=utf-8";

// Handlers are typed at their definition; here all of them are called in the same way.
type AnyHandler = (request: HandlerRequest<RouteApi>) => Promise<unknown>;

export interface RouteOptions {
  readonly name: string;
  readonly route: RouteApi;
  readonly handler: unknown;
  readonly config: ServiceConfig;
  readonly pool: Pool | null;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly shedder: LoadShedder;
}

/** Adds a route of the api to the server. */
export function registerRoute(app: FastifyInstance, options: RouteOptions): void {
  const { route, config, logger, metrics, name } = options;
  if (route.idempotent === true && route.auth === "public") {
    // All that are not signed in would share their keys, and be answered each other's replies.
    throw new Error(`${name} is idempotent, so it needs a caller whose keys are its own.`);
  }
  const key = assertionSecret(assertionKeyOf(config.instanceSecret));
  const priority = priorityOf(route);
  const namesPriority = isDelivery(route);
  const checkReply = createReplyCheck({ route, logger, metrics });
  app.route({
    method: route.method,
    url: route.path,
    bodyLimit: route.bodyBytesMax ?? BODY_BYTES_MAX_DEFAULT,
    schema: {
      ...(route.params === undefined ? {} : { params: route.params }),
      ...(route.query === undefined ? {} : { querystring: route.query }),
      ...(route.body === undefined ? {} : { body: route.body }),
    },
    onRequest: async (request) => {
      request.startedAtMs = performance.now();
      request.traceId = traceOf(request).traceId;
      // Before anything that costs: what is refused here should cost next to nothing.
      options.shedder.admit(
        namesPriority ? deliveryPriority(headerOf(request, PRIORITY_HEADER)) : priority,
      );
      request.assertion = verifyAssertion(headerOf(request, ASSERTION_HEADER), {
        key,
        audience: config.service,
        method: request.method,
        path: request.url,
        nowMs: options.clock.now(),
      });
      checkAuth(route, request.assertion);
    },
    preValidation: async (request) => {
      if (route.query !== undefined) request.query = typedQuery(request.query);
    },
    // Of a delivery each event is checked by itself: one with a NUL must not hold up the others.
    preHandler: async (request) => {
      if (route.auth !== "platform") checkText(request.body);
    },
    onResponse: async (request, reply) => {
      const durationMs = performance.now() - request.startedAtMs;
      metrics.request({
        route: route.path,
        method: route.method,
        status: reply.statusCode,
        durationMs,
      });
      logger.info("request", {
        route: `${route.method} ${route.path}`,
        status: reply.statusCode,
        ms: Math.round(durationMs * 10) / 10,
        caller: request.assertion?.revision ?? null,
        trace: request.traceId,
      });
    },
    handler: (request, reply) => handle({ ...options, checkReply }, request, reply),
  });
}

function checkAuth(route: RouteApi, assertion: Assertion): void {
  if (route.exposure === "internal" && assertion.caller === null) {
    throw commonErrors.error("CALLER_UNKNOWN");
  }
  if (route.auth === "person" && assertion.person === null) {
    throw commonErrors.error("TOKEN_MISSING");
  }
  if (route.auth === "service" && assertion.caller === null) {
    throw commonErrors.error("CALLER_UNKNOWN");
  }
  if (route.auth === "platform" && !isPlatform(assertion.caller)) {
    const given = { caller: assertion.caller ?? "nobody", target: "the platform's routes" };
    throw commonErrors.error("CALLER_FORBIDDEN", { given });
  }
}

function isPlatform(caller: string | null): boolean {
  return PLATFORM_CALLERS.some((name) => name === caller);
}

/** A route with its check, which counts the replies of this route alone. */
type CheckedRoute = RouteOptions & { readonly checkReply: ReplyCheck };

async function handle(
  options: CheckedRoute,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const { route } = options;
  const limitMs = deadlineOf(route, headerOf(request, "tideway-deadline"));
  const trace = traceOf(request);
  const gone = new AbortController();
  // The answer's stream, not the request's: that one closes as soon as the body was read.
  reply.raw.once("close", () => {
    if (!reply.raw.writableEnded) gone.abort(clientGone());
  });
  const context = {
    token: bearerOf(headerOf(request, "authorization")),
    deadlineAtMs: request.startedAtMs + limitMs,
  };
  const deadline = new Deadline(limitMs);
  try {
    const work = withTrace(trace, () =>
      withRequestContext(context, () =>
        answer(options, request, reply, AbortSignal.any([gone.signal, deadline.signal])),
      ),
    );
    return await Promise.race([work, deadline.passed]);
  } finally {
    deadline.clear();
  }
}

/** Rejects with DEADLINE_EXCEEDED when its time is over. */
class Deadline {
  readonly signal: AbortSignal;
  readonly passed: Promise<never>;
  readonly #timer: NodeJS.Timeout;

  constructor(limitMs: number) {
    const controller = new AbortController();
    const { promise, reject } = Promise.withResolvers<never>();
    // Nobody may be listening any more when it fires.
    promise.catch(() => {});
    this.signal = controller.signal;
    this.passed = promise;
    this.#timer = setTimeout(() => {
      const error = commonErrors.error("DEADLINE_EXCEEDED", { given: { deadlineMs: limitMs } });
      reject(error);
      controller.abort(error);
    }, limitMs);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}

async function answer(
  options: CheckedRoute,
  request: FastifyRequest,
  reply: FastifyReply,
  signal: AbortSignal,
): Promise<unknown> {
  const { route } = options;
  const run = async (claimed: Claimed): Promise<StoredAnswer> => {
    // The type of each handler was checked against its route where it was defined.
    const handler = options.handler as AnyHandler;
    const body = await handler(handlerRequest(request, reply, signal, claimed));
    const violation = options.checkReply(body, request.traceId ?? "");
    if (violation !== null) reply.header(VIOLATION_HEADER, violation);
    return { status: route.replyStatus ?? 200, reply: body };
  };
  if (route.idempotent !== true) {
    const done = await run({ operation: "", isRepeat: false });
    return reply.code(done.status).send(done.reply);
  }
  const done = await runOnce(options, request, run);
  const type = done.status >= 400 ? PROBLEM_TYPE : JSON_TYPE;
  return reply.code(done.status).type(type).send(JSON.stringify(done.reply));
}

/** What a handler is told of its idempotency key. */
interface Claimed {
  readonly operation: string;
  readonly isRepeat: boolean;
}

async function runOnce(
  options: RouteOptions,
  request: FastifyRequest,
  run: (claimed: Claimed) => Promise<StoredAnswer>,
): Promise<StoredAnswer> {
  const { route, pool, name } = options;
  if (pool === null) throw new Error(`${name} is idempotent, but the service has no database.`);
  const key = checkIdempotencyKey(headerOf(request, "idempotency-key"));
  const { assertion } = request;
  const principal = present(assertion?.person ?? assertion?.caller, "Its route is not public.");
  const scope = { principal, route: `${route.method} ${route.path}`, key };
  const claim = await claimKey(pool, scope, digestRequest(request.params, request.body));
  if (claim.kind === "replay") return claim.answer;
  try {
    return await completeKey(pool, scope, await run(claim));
  } catch (error) {
    const refusal = refusalOf(error, request.traceId ?? "");
    if (refusal === null) throw error;
    return completeKey(pool, scope, refusal);
  }
}

function handlerRequest(
  request: FastifyRequest,
  reply: FastifyReply,
  signal: AbortSignal,
  { operation, isRepeat }: Claimed,
): HandlerRequest<RouteApi> {
  const assertion = request.assertion;
  const parts: Pick<HandlerRequest<RouteApi>, "params" | "query" | "body"> = {
    // Validated by the route's schemas; `undefined` where the route has none.
    params: request.params as never,
    query: request.query as never,
    body: request.body as never,
  };
  return {
    ...parts,
    person: assertion?.person ?? null,
    caller: {
      service: assertion?.caller ?? null,
      revision: assertion?.revision ?? null,
      grants: assertion?.grants ?? [],
    },
    traceId: request.traceId ?? "",
    signal,
    operation,
    isRepeat,
    header: (name) => headerOf(request, name),
    setHeader: (name, value) => void reply.header(name, value),
  };
}

/** A query is all strings; numbers and booleans are read as such before the schema looks. */
function typedQuery(query: unknown): Record<string, unknown> {
  const entries = Object.entries(query ?? {}).map(([key, value]) => [key, typedValue(value)]);
  return Object.fromEntries(entries) as Record<string, unknown>;
}

function typedValue(value: unknown): unknown {
  if (value === "true") return true;
  if (value === "false") return false;
  if (typeof value === "string" && /^(0|-?[1-9]\d{0,14})$/.test(value)) return Number(value);
  return value;
}

function deadlineOf(route: RouteApi, header: string | undefined): number {
  const own = route.deadlineMs ?? DEADLINE_MS_DEFAULT;
  const left = Number(header ?? Number.NaN);
  return Number.isFinite(left) && left > 0 ? Math.min(own, left) : own;
}

/** The request's trace; one that begins here keeps the id that was given to it first. */
function traceOf(request: FastifyRequest): TraceContext {
  const { traceparent, tracestate } = request.headers;
  const trace = readTrace({ traceparent, tracestate });
  if (trace !== null) return trace;
  const begun = newTrace();
  return { ...begun, traceId: request.traceId ?? begun.traceId };
}

function bearerOf(header: string | undefined): string | null {
  return /^Bearer (\S+)$/i.exec(header ?? "")?.[1] ?? null;
}

function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}
