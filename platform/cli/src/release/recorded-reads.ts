/**
 * What tests recorded (TIDEWAY_EXPECTATIONS_FILE), beside what is committed. A read that the file does
 * not name would be lost on the gate: the neighbour could drop the field, and nobody would be told.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { isExpectation } from "@tideway/compatibility";
import { expectationKey, formatExpectations, sortExpectations } from "@tideway/schema";
import type { Expectation } from "@tideway/schema";
import { releaseErrors } from "./errors.ts";
import { expectationsPath } from "./tree-documents.ts";

/** The expectations that a file of recorded lines holds, by consumer. Throws READS_UNREADABLE. */
export function readRecorded(file: string): ReadonlyMap<string, readonly Expectation[]> {
  const byConsumer = new Map<string, Expectation[]>();
  textOf(file)
    .split("\n")
    .forEach((line, i) => {
      if (line.trim() === "") return;
      const { consumer, ...expectation } = objectOf(line);
      if (typeof consumer !== "string" || !isExpectation(expectation)) {
        throw unreadable(file, `line ${i + 1} is no expectation`);
      }
      byConsumer.set(consumer, [...(byConsumer.get(consumer) ?? []), expectation]);
    });
  return new Map([...byConsumer].map(([consumer, all]) => [consumer, sortExpectations(all)]));
}

/** What the service's committed file has; null when it has none. Throws READS_UNREADABLE. */
export function readCommitted(checkout: string, service: string): readonly Expectation[] | null {
  const file = expectationsPath(checkout, service);
  const parsed: unknown = objectOf(textOf(file, "none"));
  const expects: unknown = Reflect.get(Object(parsed), "expects");
  if (expects === undefined) return null;
  if (!Array.isArray(expects) || !expects.every(isExpectation)) {
    throw unreadable(file, "it is no file of expectations");
  }
  return expects;
}

/** Those recorded that are not committed. */
export function missingReads(
  recorded: readonly Expectation[],
  committed: readonly Expectation[] | null,
): Expectation[] {
  const known = new Set((committed ?? []).map(expectationKey));
  return recorded.filter((one) => !known.has(expectationKey(one)));
}

/** Writes the service's file anew: what the tests recorded, and nothing that no test does any more. */
export function writeCommitted(
  checkout: string,
  service: string,
  recorded: readonly Expectation[],
): void {
  const text = formatExpectations(service, recorded);
  writeFileSync(expectationsPath(checkout, service), text);
}

function textOf(file: string, missing?: "none"): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    if (missing === "none" && Reflect.get(Object(cause), "code") === "ENOENT") return "{}";
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw releaseErrors.error("READS_UNREADABLE", { given: { file, problem }, cause });
  }
}

function objectOf(text: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text);
    return { ...Object(parsed) };
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

function unreadable(file: string, problem: string): Error {
  return releaseErrors.error("READS_UNREADABLE", { given: { file, problem } });
}
