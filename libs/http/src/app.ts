/** The HTTP server of a service, made from its api and its handlers. */
import { TypeBoxValidatorCompiler } from "@fastify/type-provider-typebox";
import { CodedError, commonErrors } from "@tideway/kernel";
import type { Clock } from "@tideway/kernel";
import type { Api } from "@tideway/schema";
import { errorFields } from "@tideway/telemetry";
import type { Logger, Metrics } from "@tideway/telemetry";
import { databaseFailure } from "@tideway/store";
import type { Pool } from "@tideway/store";
import { clientGone } from "./client-gone.ts";
import { codedOf } from "./coded.ts";
import { addExpectationsProbe } from "./expectations/probe.ts";
import { Fastify } from "./fastify.ts";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "./fastify.ts";
import type { ServiceConfig } from "./config.ts";
import type { HandlersOf } from "./handler.ts";
import type { ServiceModule } from "./module.ts";
import { PROBLEM_TYPE, toProblem } from "./problem.ts";
import { LoadShedder } from "./resilience/load-shedder.ts";
import { registerRoute } from "./route.ts";

/** As the gateway says it: what is too much now may well pass in a second. */
const RETRY_AFTER_SECONDS = 1;

export interface AppOptions<A extends Api> {
  readonly api: A;
  readonly handlers: HandlersOf<A>;
  readonly modules?: readonly ServiceModule[];
  readonly config: ServiceConfig;
  readonly pool: Pool | null;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Throws or rejects while the service cannot take requests. */
  readonly checkReady: () => Promise<void>;
}

/** Builds the server; nothing listens yet. `inject()` works on it. */
export function createApp<A extends Api>(options: AppOptions<A>): FastifyInstance {
  const app = Fastify({
    logger: false,
    bodyLimit: 1_048_576,
    // The gateway's pools must outlive ours, or a request meets a connection that we just closed.
    keepAliveTimeout: 75_000,
    requestTimeout: 30_000,
    return503OnClosing: false,
    forceCloseConnections: "idle",
  });
  // CloudEvents 1.0, HTTP binding: structured and batched mode.
  app.addContentTypeParser(
    ["application/cloudevents+json", "application/cloudevents-batch+json"],
    { parseAs: "string" },
    app.getDefaultJsonParser("error", "error"),
  );
  app.setValidatorCompiler(TypeBoxValidatorCompiler);
  app.setErrorHandler((error, request, reply) => {
    answerError(options.logger, knownFailure(options, error, request), request, reply);
  });
  app.setNotFoundHandler((request, reply) => {
    const given = { method: request.method, path: request.url.split("?")[0] ?? "" };
    answerError(options.logger, commonErrors.error("ROUTE_UNKNOWN", { given }), request, reply);
  });
  addProbes(app, options);
  addExpectationsProbe(app, options.config.service);
  const shedder = new LoadShedder({ service: options.api.name, metrics: options.metrics });
  app.addHook("onClose", () => shedder.stop());
  for (const [name, route] of Object.entries(options.api.routes)) {
    const handler = options.handlers[name];
    if (handler === undefined) throw new Error(`${options.api.name} has no handler for ${name}.`);
    registerRoute(app, { ...options, shedder, name, route, handler });
  }
  for (const { routes, handlers } of options.modules ?? []) {
    for (const [name, route] of Object.entries(routes)) {
      registerRoute(app, { ...options, shedder, name, route, handler: handlers[name] });
    }
  }
  return app;
}

/** As coded where it is expected: the request's own fault, or a database that is away or too busy. */
function knownFailure<A extends Api>(
  { api, logger }: AppOptions<A>,
  error: unknown,
  request: FastifyRequest,
): unknown {
  // The connection that broke is the client's, in the middle of its body.
  if (request.raw.errored !== null) return clientGone(error);
  const failure = databaseFailure(error, api.name);
  if (failure === error) return codedOf(error);
  logger.warn("database.failed", { route: request.routeOptions.url, ...errorFields(error) });
  return failure;
}

function addProbes<A extends Api>(app: FastifyInstance, options: AppOptions<A>): void {
  app.get("/health", () => ({ status: "alive" }));
  app.get("/ready", async (_, reply) => {
    try {
      await options.checkReady();
      return { status: "ready" };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return reply.code(503).send({ status: "not ready", reason });
    }
  });
  app.get("/metrics", async (_, reply) =>
    reply.type(options.metrics.registry.contentType).send(await options.metrics.registry.metrics()),
  );
}

function answerError(
  logger: Logger,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const traceId = request.traceId;
  if (!(error instanceof CodedError)) {
    logger.error("request.failed", { route: request.routeOptions.url, ...errorFields(error) });
  }
  const problem = toProblem(error, traceId);
  if (problem.status === 503) void reply.header("retry-after", RETRY_AFTER_SECONDS);
  void reply.code(problem.status).type(PROBLEM_TYPE).send(JSON.stringify(problem));
}
