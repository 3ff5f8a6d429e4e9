import type { Direction, Finding } from "./finding.ts";
import { EVERYTHING, startComparison } from "./comparison.ts";
import type { Place } from "./comparison.ts";
import { inspect } from "./inspect.ts";
import type { Document } from "./resolve.ts";

/**
 * What changed between two JSON Schemas, for data that travels in the given direction.
 *
 * @example diffSchemas({ type: "string" }, { type: ["string", "null"] }, "reply")[0]?.rule; //
 * null-added
 */
export function diffSchemas(before: unknown, after: unknown, direction: Direction): Finding[] {
  const left: Document = { side: "before", root: before, dialect: "3.1" };
  const right: Document = { side: "after", root: after, dialect: "3.1" };
  const run = startComparison(left, right, inspect);
  const place: Place = {
    operation: "schema",
    direction,
    part: direction,
    subject: `the ${direction}`,
    property: "",
    text: "none",
    parameter: false,
    muted: false,
    keep: EVERYTHING,
  };
  run.relate(
    [{ document: left, pointer: "", value: before }],
    [{ document: right, pointer: "", value: after }],
    place,
  );
  return run.findings;
}
