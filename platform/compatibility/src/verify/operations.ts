/** Finds operations and events in documents, whatever their path parameters are called. */
import type { JsonObject } from "@tideway/schema";
import { FIELDS_UNKNOWN } from "../generate/from-manifest.ts";
import { at, fields, pointerTo } from "./schema-view.ts";
import type { Place } from "./schema-view.ts";

export interface Operation {
  /** As its document writes it: `GET /accounts/{accountId}`. */
  readonly name: string;
  readonly operation: Place;
  readonly isPublic: boolean;
  /** False for one that only a manifest tells of. */
  readonly areFieldsKnown: boolean;
  /** Schemas of the replies that are not refusals. */
  readonly replies: readonly Place[];
  readonly body: Place | null;
  readonly bodyRequired: boolean;
  readonly parameters: readonly Parameter[];
}

export interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required: boolean;
  readonly place: Place;
}

/** `GET /accounts/:id` and `GET /accounts/{accountId}` are the same operation. */
export function operationKey(operation: string): string {
  return operation.replace(/:[a-zA-Z0-9_]+|\{[^}]*\}/g, "{}");
}

const METHODS: ReadonlySet<string> = new Set(["get", "post", "put", "patch", "delete"]);

/** Every operation of an OpenAPI document by `operationKey`. */
export function operationsOf(document: JsonObject): ReadonlyMap<string, Operation> {
  const found = new Map<string, Operation>();
  for (const [path, item] of Object.entries(fields(document["paths"]))) {
    for (const [method, operation] of Object.entries(fields(item))) {
      if (!METHODS.has(method)) continue;
      const place = { schema: operation, pointer: pointerTo("", "paths", path, method) };
      const name = `${method.toUpperCase()} ${path}`;
      found.set(operationKey(name), readOperation(document, name, place));
    }
  }
  return found;
}

/** The types of all events of an AsyncAPI document. */
export function eventTypesOf(document: JsonObject): ReadonlySet<string> {
  const channels = Object.entries(fields(document["channels"]));
  return new Set(
    channels.map(([name, channel]) => {
      const { address } = fields(channel);
      return typeof address === "string" ? address : name;
    }),
  );
}

/** The data of an event, null when the document has no such event. */
export function eventData(document: JsonObject, type: string): Place | null {
  for (const [name, channel] of Object.entries(fields(document["channels"]))) {
    const { address, messages } = fields(channel);
    if ((address ?? name) !== type) continue;
    for (const [key, message] of Object.entries(fields(messages))) {
      const pointer = pointerTo("", "channels", name, "messages", key);
      const resolved = follow(document, { schema: message, pointer });
      const payload = fields(resolved.schema)["payload"];
      return { schema: payload ?? {}, pointer: pointerTo(resolved.pointer, "payload") };
    }
  }
  return null;
}

function readOperation(document: JsonObject, name: string, place: Place): Operation {
  const given = fields(place.schema);
  const { responses, requestBody, parameters } = given;
  const replies = Object.entries(fields(responses)).flatMap(([status, response]) => {
    if (!status.startsWith("2")) return [];
    const pointer = pointerTo(place.pointer, "responses", status);
    return schemaOf(follow(document, { schema: response, pointer }));
  });
  const bodyPlace = { schema: requestBody, pointer: pointerTo(place.pointer, "requestBody") };
  const body = requestBody === undefined ? null : follow(document, bodyPlace);
  return {
    name,
    operation: place,
    isPublic: given["x-tideway-exposure"] !== "internal",
    areFieldsKnown: given[FIELDS_UNKNOWN] !== true,
    replies,
    body: body === null ? null : (schemaOf(body)[0] ?? null),
    bodyRequired: body !== null && fields(body.schema)["required"] === true,
    parameters: (Array.isArray(parameters) ? parameters : []).map((given: unknown, i) =>
      readParameter(document, {
        schema: given,
        pointer: pointerTo(place.pointer, "parameters", String(i)),
      }),
    ),
  };
}

function readParameter(document: JsonObject, given: Place): Parameter {
  const place = follow(document, given);
  const { name, in: where, required, schema } = fields(place.schema);
  return {
    name: String(name),
    in: String(where),
    required: required === true,
    place: { schema: schema ?? {}, pointer: pointerTo(place.pointer, "schema") },
  };
}

/** The schema of its JSON content. */
function schemaOf(holder: Place): Place[] {
  const content = fields(fields(holder.schema)["content"]);
  return Object.entries(content).flatMap(([type, media]) => {
    if (!/json/.test(type)) return [];
    const pointer = pointerTo(holder.pointer, "content", type, "schema");
    return [{ schema: fields(media)["schema"] ?? {}, pointer }];
  });
}

function follow(document: JsonObject, place: Place): Place {
  const reference = fields(place.schema)["$ref"];
  return (typeof reference === "string" ? at(document, reference) : undefined) ?? place;
}
