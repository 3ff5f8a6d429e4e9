import { relateAsyncApi } from "./asyncapi.ts";
import { startComparison } from "./comparison.ts";
import type { Finding } from "./finding.ts";
import { inspect } from "./inspect.ts";
import { textAt } from "./json.ts";
import { relateOpenApi } from "./openapi.ts";
import type { Document } from "./resolve.ts";

export interface DiffOptions {
  readonly kind: "openapi" | "asyncapi";
}

/**
 * What changed between two documents of an api, and whom it breaks. Pure: the same documents give
 * the same findings in the same order. Never throws for a document that is merely odd.
 *
 * @example diffApis(before, after, { kind: "openapi" }).filter(({ level }) => level ===
 * "breaking");
 */
export function diffApis(before: unknown, after: unknown, { kind }: DiffOptions): Finding[] {
  const run = startComparison(documentOf("before", before), documentOf("after", after), inspect);
  if (kind === "openapi") relateOpenApi(run);
  else relateAsyncApi(run);
  return run.findings;
}

function documentOf(side: Document["side"], root: unknown): Document {
  const version = textAt(root, "openapi") ?? "";
  return { side, root, dialect: version.startsWith("3.0") ? "3.0" : "3.1" };
}
