/** Reading is covariant: the field must still be there, and be of a type that the reader has met. */
import type { Expectation, JsonObject } from "@tideway/schema";
import type { PairFinding } from "./finding.ts";
import type { Place } from "./schema-view.ts";
import { byPath, isBelow, listTypes, lookUpAny, named, typesOf } from "./sent-and-read.ts";

export interface ReadInput {
  readonly consumer: string;
  readonly provider: string;
  readonly operation: string;
  /** Of this operation, and of what it answers or tells. */
  readonly expects: readonly Expectation[];
  readonly document: JsonObject;
  /** The schemas of what is read: of each status that is no refusal. */
  readonly roots: readonly Place[];
}

/** What the consumer reads and is no longer told, or told otherwise. */
export function verifyReads(input: ReadInput): PairFinding[] {
  const { consumer, provider, operation, expects, document, roots } = input;
  const findings: PairFinding[] = [];
  const gone: string[] = [];
  for (const [path, met] of byPath(expects)) {
    // Of a field that is gone, what was below it needs no line of its own.
    if (gone.some((above) => isBelow(path, above))) continue;
    const found = lookUpAny(document, roots, path);
    if (found.kind === "open") continue;
    const base = { operation, level: "breaking", property: path === "" ? null : path } as const;
    if (found.kind === "missing") {
      gone.push(path);
      findings.push({
        ...base,
        path: found.pointer,
        rule: "field-missing",
        sentence: `${provider} does not tell ${named(path)} in ${operation}, which ${consumer} reads.`,
      });
      continue;
    }
    const told = typesOf(found.places);
    const usable = [...met].filter((type) => type !== "null" && type !== "absent");
    if (usable.length === 0 || usable.some((type) => told.has(type))) continue;
    findings.push({
      ...base,
      path: found.places[0]?.pointer ?? "",
      rule: "field-type-changed",
      sentence:
        `${provider} tells ${named(path)} in ${operation} as ${listTypes(told)}, ` +
        `which ${consumer} reads as ${listTypes(usable)}.`,
    });
  }
  return findings;
}
