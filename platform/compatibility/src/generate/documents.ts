/**
 * The documents of a revision: what it offers (OpenAPI, AsyncAPI), and what it relies on. They are
 * made from the working tree, travel with the upload, and lie in the revision's folder.
 */
import { EXPECTATIONS_MAX, ExpectationsFile, toAsyncApi, toOpenApi } from "@tideway/schema";
import type { Api, Expectation, JsonObject } from "@tideway/schema";
import { Value } from "typebox/value";

export const OPENAPI_FILE = "openapi.json";
export const ASYNCAPI_FILE = "asyncapi.json";
export const EXPECTATIONS_FILE = "expectations.json";

export interface RevisionDocuments {
  readonly openapi: JsonObject;
  readonly asyncapi: JsonObject;
  /** Null when the revision was uploaded without a file of them: it may rely on anything. */
  readonly expects: readonly Expectation[] | null;
}

/** Bytes of one document as it is stored. */
export const DOCUMENT_BYTES_MAX = 8 * 1_048_576;

/** The files of an api's documents, by name; the same api gives the same bytes. */
export function documentFiles(api: Api): Readonly<Record<string, string>> {
  return {
    [OPENAPI_FILE]: textOf(toOpenApi(api)),
    [ASYNCAPI_FILE]: textOf(toAsyncApi(api)),
  };
}

export type ParsedDocuments =
  | { readonly kind: "none" }
  | { readonly kind: "documents"; readonly documents: RevisionDocuments }
  | { readonly kind: "wrong"; readonly problem: string };

/** Reads a revision's documents from its files; a revision of an earlier time has none. */
export function parseDocuments(
  service: string,
  fileOf: (name: string) => string | null,
): ParsedDocuments {
  const texts = [OPENAPI_FILE, ASYNCAPI_FILE, EXPECTATIONS_FILE].map((name) => fileOf(name));
  const [openapiText = null, asyncapiText = null, expectsText = null] = texts;
  if (openapiText === null && asyncapiText === null && expectsText === null) {
    return { kind: "none" };
  }
  const wrong = (problem: string): ParsedDocuments => ({ kind: "wrong", problem });
  const openapi = objectOf(openapiText);
  const asyncapi = objectOf(asyncapiText);
  if (openapi === null || !isOpenApi(openapi)) {
    return wrong(`its ${OPENAPI_FILE} is not an OpenAPI 3 document`);
  }
  if (asyncapi === null || !isAsyncApi(asyncapi)) {
    return wrong(`its ${ASYNCAPI_FILE} is not an AsyncAPI 3 document`);
  }
  if (expectsText === null) {
    return { kind: "documents", documents: { openapi, asyncapi, expects: null } };
  }
  const parsed = objectOf(expectsText);
  if (!Value.Check(ExpectationsFile, parsed)) {
    const [first] = Value.Errors(ExpectationsFile, parsed);
    const place = `${first?.instancePath ?? "/"}: ${first?.message ?? "no object"}`;
    return wrong(
      `its ${EXPECTATIONS_FILE} is wrong at ${place} (at most ${EXPECTATIONS_MAX} entries)`,
    );
  }
  if (parsed.consumer !== service) {
    return wrong(`its ${EXPECTATIONS_FILE} is that of ${parsed.consumer}`);
  }
  return { kind: "documents", documents: { openapi, asyncapi, expects: parsed.expects } };
}

function isOpenApi(document: JsonObject): boolean {
  return (
    String(document["openapi"]).startsWith("3.") &&
    document["paths"] !== null &&
    typeof document["paths"] === "object"
  );
}

function isAsyncApi(document: JsonObject): boolean {
  return String(document["asyncapi"]).startsWith("3.");
}

function objectOf(text: string | null): JsonObject | null {
  if (text === null || text.length > DOCUMENT_BYTES_MAX) return null;
  try {
    const parsed: unknown = JSON.parse(text);
    const isObject = parsed !== null && typeof parsed === "object" && !Array.isArray(parsed);
    return isObject ? { ...parsed } : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function textOf(document: JsonObject): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}
