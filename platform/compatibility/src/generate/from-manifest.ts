/**
 * Documents of a revision that was uploaded without any: its manifest names routes and event types
 * but no fields. What is judged by them is whether a route is there, and who may call it.
 */
import { PLATFORM_PREFIX, openApiPath } from "@tideway/schema";
import type { JsonObject, Manifest, ManifestRoute } from "@tideway/schema";

/** Marks an operation of which only method, path and exposure are known. */
export const FIELDS_UNKNOWN = "x-tideway-fields-unknown";

/** Schemas of such a document say nothing: any field may be there. */
export function openApiOfManifest(manifest: Manifest): JsonObject {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of manifest.routes) {
    if (route.path.startsWith(PLATFORM_PREFIX)) continue;
    const path = openApiPath(route.path);
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) };
  }
  return {
    openapi: "3.1.0",
    info: { title: manifest.service, version: manifest.apiVersion },
    paths,
  };
}

/** Channels by type, with data of which nothing is known. */
export function asyncApiOfManifest(manifest: Manifest): JsonObject {
  const channels = manifest.emits.map(({ type }) => {
    const messages = { [type]: { name: type, contentType: "application/json", payload: {} } };
    return [type, { address: type, messages }] as const;
  });
  const operations = manifest.emits.map(({ type }) => {
    return [type, { action: "send", channel: { $ref: `#/channels/${type}` } }] as const;
  });
  return {
    asyncapi: "3.0.0",
    info: { title: manifest.service, version: manifest.apiVersion },
    channels: Object.fromEntries(channels),
    operations: Object.fromEntries(operations),
  };
}

function operationOf(route: ManifestRoute): JsonObject {
  const parameters = [...route.path.matchAll(/:([a-zA-Z0-9_]+)/g)].map(([, name]) => {
    return { name, in: "path", required: true, schema: {} };
  });
  return {
    operationId: route.name,
    ...(parameters.length === 0 ? {} : { parameters }),
    responses: { default: { description: "Not known.", content: { "application/json": {} } } },
    "x-tideway-exposure": route.exposure,
    [FIELDS_UNKNOWN]: true,
  };
}
