/**
 * A revision says what it offers twice: traffic follows its manifest, and the gate judges by its
 * documents. Where the two differ, what was judged is not what neighbours would meet.
 */
import { PLATFORM_PREFIX } from "@tideway/schema";
import type { Manifest } from "@tideway/schema";
import { eventTypesOf, operationKey, operationsOf } from "../verify/operations.ts";
import { ASYNCAPI_FILE, OPENAPI_FILE } from "./documents.ts";
import type { RevisionDocuments } from "./documents.ts";

/**
 * The first thing that manifest and documents tell differently, as a sentence about the service, or
 * null. Compared are routes with their exposure, and the types of events.
 *
 * @example contradiction(manifest, documents); // "its openapi.json has no GET /accounts, ..."
 */
export function contradiction(manifest: Manifest, documents: RevisionDocuments): string | null {
  return routeContradiction(manifest, documents) ?? eventContradiction(manifest, documents);
}

function routeContradiction({ routes }: Manifest, { openapi }: RevisionDocuments): string | null {
  const told = new Map(operationsOf(openapi));
  for (const { method, path, exposure } of routes) {
    if (path.startsWith(PLATFORM_PREFIX)) continue;
    const name = `${method} ${path}`;
    const operation = told.get(operationKey(name));
    if (operation === undefined)
      return `its ${OPENAPI_FILE} has no ${name}, which its manifest has`;
    if (operation.isPublic !== (exposure === "public")) {
      return `its manifest says that ${name} is ${exposure}, and its ${OPENAPI_FILE} does not`;
    }
    told.delete(operationKey(name));
  }
  const [left] = told.values();
  return left === undefined
    ? null
    : `its ${OPENAPI_FILE} has ${left.name}, and its manifest has not`;
}

function eventContradiction({ emits }: Manifest, { asyncapi }: RevisionDocuments): string | null {
  const told = new Set(eventTypesOf(asyncapi));
  for (const { type } of emits) {
    if (!told.delete(type)) return `its ${ASYNCAPI_FILE} has no ${type}, which its manifest emits`;
  }
  const [left] = told;
  return left === undefined ? null : `its ${ASYNCAPI_FILE} has ${left}, and its manifest has not`;
}
