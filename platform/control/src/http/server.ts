/** The operators' port: the admin api, its stream, and the console's files. */
import { TypeBoxValidatorCompiler } from "@fastify/type-provider-typebox";
import { ADMIN_BASE_PATH, adminApi } from "@tideway/api-admin";
import { CodedError, commonErrors } from "@tideway/kernel";
import { Fastify, PROBLEM_TYPE, codedOf, toProblem } from "@tideway/http";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "@tideway/http";
import { databaseFailure } from "@tideway/store";
import type { BodyOf, ParamsOf, QueryOf, ReplyOf, RouteApi } from "@tideway/schema";
import { errorFields, newTrace, withTrace } from "@tideway/telemetry";
import type { Logger } from "@tideway/telemetry";
import type { TSchema } from "typebox";
import type { Operator } from "../operators.ts";
import { checkOrigin } from "./origin.ts";

export interface AdminRequest<R extends RouteApi> {
  readonly params: ParamsOf<R>;
  readonly query: QueryOf<R>;
  readonly body: BodyOf<R>;
  readonly operator: Operator;
  readonly setCookie: (value: string) => void;
  readonly sessionToken: string | null;
}

type Routes = (typeof adminApi)["routes"];
export type AdminHandlers = {
  readonly [K in keyof Routes]: (request: AdminRequest<Routes[K]>) => Promise<ReplyOf<Routes[K]>>;
};

export interface AdminServerOptions {
  readonly handlers: AdminHandlers;
  readonly logger: Logger;
  /** The address of the console, for checking Host and Origin. */
  readonly operatorsUrl: string;
  /** Null for somebody who did not sign in. */
  readonly operatorOf: (request: FastifyRequest) => Promise<Operator | null>;
  /** Adds the stream, the health probe and the console. */
  readonly extend: (app: FastifyInstance) => void;
}

/** Everybody may ask these. */
const OPEN_ROUTES: ReadonlySet<string> = new Set(["signIn"]);
const NOBODY: Operator = { operator: "opr_nobody", name: "nobody" };

export function createAdminServer(options: AdminServerOptions): FastifyInstance {
  const app = Fastify({ logger: false, forceCloseConnections: true });
  app.setValidatorCompiler(TypeBoxValidatorCompiler);
  app.setErrorHandler((error, request, reply) => answerError(options, error, request, reply));
  app.addHook("onRequest", async (request) => {
    request.traceId = newTrace().traceId;
    checkOrigin(request, options.operatorsUrl);
  });
  options.extend(app);
  for (const [name, route] of Object.entries(adminApi.routes)) {
    // The handlers were typed against their routes where they were defined.
    const handler = options.handlers[name as keyof Routes] as (
      request: AdminRequest<RouteApi>,
    ) => Promise<unknown>;
    addRoute(app, options, { name, route, handler });
  }
  return app;
}

interface AnyRoute {
  readonly name: string;
  readonly route: RouteApi;
  readonly handler: (request: AdminRequest<RouteApi>) => Promise<unknown>;
}

function addRoute(app: FastifyInstance, options: AdminServerOptions, use: AnyRoute): void {
  const { route, name, handler } = use;
  app.route({
    method: route.method,
    url: ADMIN_BASE_PATH + route.path,
    bodyLimit: route.bodyBytesMax ?? 1_048_576,
    schema: {
      ...(route.params === undefined ? {} : { params: route.params }),
      ...(route.query === undefined ? {} : { querystring: route.query }),
      ...(route.body === undefined ? {} : { body: route.body }),
    },
    preValidation: async (request) => {
      if (route.query !== undefined) request.query = typedQuery(request.query, route.query);
    },
    handler: async (request, reply) => {
      const operator = (await options.operatorOf(request)) ?? NOBODY;
      if (operator === NOBODY && !OPEN_ROUTES.has(name)) throw signInNeeded();
      const trace = { ...newTrace(), traceId: request.traceId ?? newTrace().traceId };
      const answer = await withTrace(trace, () =>
        handler({
          // Validated by the route's schemas; `undefined` where it has none.
          params: request.params as never,
          query: request.query as never,
          body: request.body as never,
          operator,
          sessionToken: sessionTokenOf(request),
          setCookie: (value) => void reply.header("set-cookie", value),
        }),
      );
      return reply.code(route.replyStatus ?? 200).send(answer);
    },
  });
}

export const SESSION_COOKIE = "tideway_operator";

export function sessionTokenOf(request: FastifyRequest): string | null {
  const match = new RegExp(`(?:^|;\\s*)${SESSION_COOKIE}=([A-Za-z0-9_-]{20,100})`).exec(
    request.headers.cookie ?? "",
  );
  return match?.[1] ?? null;
}

function signInNeeded(): Error {
  return adminApi.errors.error("OPERATOR_SIGN_IN_NEEDED");
}

function answerError(
  options: AdminServerOptions,
  given: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const error = databaseFailure(codedOf(given), "Control's database");
  if (!(error instanceof CodedError)) {
    options.logger.error("request.failed", { url: request.url, ...errorFields(error) });
  }
  const problem = toProblem(error, request.traceId);
  void reply.code(problem.status).type(PROBLEM_TYPE).send(JSON.stringify(problem));
}

export function routeUnknown(request: FastifyRequest): Error {
  const given = { method: request.method, path: request.url.split("?")[0] ?? "" };
  return commonErrors.error("ROUTE_UNKNOWN", { given });
}

/** A query is all strings: what the schema takes for a number or a truth value is read as such. */
function typedQuery(query: unknown, schema: TSchema): Record<string, unknown> {
  const properties: unknown = Reflect.get(schema, "properties");
  const entries = Object.entries(query ?? {}).map(([key, value]: [string, unknown]) => {
    const type: unknown = Reflect.get(Object(Reflect.get(Object(properties), key)), "type");
    if (typeof value !== "string") return [key, value];
    if (type === "integer" && /^\d{1,9}$/.test(value)) return [key, Number(value)];
    if (type === "boolean" && /^(true|false)$/.test(value)) return [key, value === "true"];
    return [key, value];
  });
  return Object.fromEntries(entries) as Record<string, unknown>;
}
