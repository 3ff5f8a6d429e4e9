/**
 * The OpenAPI 3.1 document of an api. The platform's own routes (`/tideway/...`) are not in it: they
 * are an interface of the platform, the same for every service.
 */
import { commonErrors } from "@tideway/kernel";
import type { ErrorDefinition } from "@tideway/kernel";
import type { TSchema } from "typebox";
import { DEADLINE_MS_DEFAULT } from "./api.ts";
import type { Api, Auth, RouteApi } from "./api.ts";
import { Problem } from "./common.ts";
import { exampleOf } from "./example-of.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

const PROBLEM_REF = "#/components/responses/Problem";

/**
 * Makes the document: plain JSON, the same bytes for the same api.
 *
 * @example writeFileSync("openapi.json", JSON.stringify(toOpenApi(ledgerApi), null, 2));
 */
export function toOpenApi(api: Api): JsonObject {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [name, route] of Object.entries(api.routes)) {
    const path = openApiPath(route.path);
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(name, route) };
  }
  return plain({
    openapi: "3.1.0",
    info: {
      title: api.name,
      version: api.version,
      description: `What the service ${api.name} answers below /api/${api.name}.`,
    },
    jsonSchemaDialect: "https://json-schema.org/draft/2020-12/schema",
    servers: [{ url: `/api/${api.name}` }],
    paths,
    components: {
      securitySchemes: {
        person: { type: "http", scheme: "bearer", description: "A person's access token." },
        service: {
          type: "apiKey",
          in: "header",
          name: "tideway-instance",
          description: "An instance's own secret; calls go through the internal listener.",
        },
      },
      schemas: { Problem },
      responses: { Problem: problemResponse(api) },
    },
  });
}

/** `/accounts/:accountId` as OpenAPI spells it: `/accounts/{accountId}`. */
export function openApiPath(path: string): string {
  return path.replace(/:([a-zA-Z0-9_]+)/g, "{$1}");
}

function operationOf(name: string, route: RouteApi): JsonObject {
  const parameters = [
    ...parametersOf("path", route.params),
    ...parametersOf("query", route.query),
    ...(route.idempotent === true ? [IDEMPOTENCY_KEY] : []),
  ];
  const status = String(route.replyStatus ?? 200);
  return {
    operationId: name,
    summary: route.summary,
    security: SECURITY[route.auth],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body === undefined
      ? {}
      : { requestBody: { required: true, content: { "application/json": media(route.body) } } }),
    responses: {
      [status]: {
        description: "As asked for.",
        content: { "application/json": media(route.reply) },
      },
      default: { $ref: PROBLEM_REF },
    },
    "x-tideway-exposure": route.exposure,
    "x-tideway-deadline-ms": route.deadlineMs ?? DEADLINE_MS_DEFAULT,
  };
}

const IDEMPOTENCY_KEY = {
  name: "Idempotency-Key",
  in: "header",
  required: true,
  description: "The same key and body again answer the same; the same key and another body 422.",
  schema: { type: "string", minLength: 8, maxLength: 255, pattern: "^[\\x21-\\x7e]+$" },
} as const;

function parametersOf(place: "path" | "query", schema: TSchema | undefined): JsonObject[] {
  const { properties, required } = plain(schema ?? {});
  const names: readonly unknown[] = Array.isArray(required) ? required : [];
  return Object.entries(Object(properties)).map(([name, field]: [string, unknown]) => {
    return { name, in: place, required: names.includes(name), schema: field };
  });
}

function media(schema: TSchema): JsonObject {
  const example = exampleOf(schema);
  return example === undefined ? { schema } : { schema, example };
}

const SECURITY: Readonly<Record<Auth, readonly JsonObject[]>> = {
  public: [],
  person: [{ person: [] }],
  service: [{ service: [] }],
  platform: [{ service: [] }],
};

/** One response for all refusals; a new code is no new shape, so the codes stand beside the schema. */
function problemResponse(api: Api): JsonObject {
  const all: Readonly<Record<string, ErrorDefinition>> = {
    ...commonErrors.definitions,
    ...api.errors.definitions,
  };
  const codes = Object.entries(all).map(([code, { status, retryable, title, action }]) => {
    return [code, { status, retryable, title, action }] as const;
  });
  return {
    description: "A refusal or a failure: RFC 9457 problem details with a stable code.",
    content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
    "x-tideway-codes": Object.fromEntries(codes.sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** Plain JSON: schemas carry marks of their library that no document shows. */
export function plain(value: unknown): JsonObject {
  const parsed: unknown = JSON.parse(JSON.stringify(value));
  return { ...Object(parsed) };
}
