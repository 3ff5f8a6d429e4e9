/**
 * One consumer and one provider, judged from their documents alone. Pure.
 *
 * Two questions are asked. Does the provider keep what the consumer is known to rely on? And, when the
 * provider changes: does the change touch anything that this consumer reads or sends? A consumer of
 * which nothing is recorded may rely on everything, so that each breaking change touches it.
 */
import type { Expectation, JsonObject, Manifest } from "@tideway/schema";
import type { Finding } from "../diff/finding.ts";
import { affects } from "../expectations/narrow.ts";
import { operationKey, operationsOf } from "../verify/operations.ts";
import type { PairFinding } from "../verify/finding.ts";
import { pointerTo } from "../verify/schema-view.ts";
import { verifyExpectations } from "../verify/verify-expectations.ts";

export type DiffApis = (
  before: JsonObject,
  after: JsonObject,
  options: { readonly kind: "openapi" | "asyncapi" },
) => readonly Finding[];

/** What a provider offers, by its own documents or, without any, by its manifest. */
export interface Offer {
  readonly openapi: JsonObject;
  readonly asyncapi: JsonObject;
  /** The types of events that it tells of. */
  readonly emits: readonly string[];
}

export interface Reliance {
  readonly consumer: string;
  /** Everything recorded, in tests and of real calls; null when there is no file of them. */
  readonly expects: readonly Expectation[] | null;
  /** Services it may call, and types it consumes. */
  readonly calls: Manifest["calls"];
  readonly consumes: readonly string[];
}

export interface Pair {
  readonly provider: string;
  readonly reliance: Reliance;
  /** What the consumer lives with now; null when it is the consumer that changes. */
  readonly before: Offer | null;
  readonly after: Offer;
  readonly change: Change | null;
}

/** Documents to compare: both of the same kind, so that not knowing is no difference. */
export interface Change {
  readonly openapi: readonly [before: JsonObject, after: JsonObject];
  readonly asyncapi: readonly [before: JsonObject, after: JsonObject];
}

/** Findings in the order of operations; none means that the two may live together. */
export function judgePair(pair: Pair, diff: DiffApis): PairFinding[] {
  const findings = [...keptFindings(pair), ...eventFindings(pair), ...changeFindings(pair, diff)];
  const byPlace = new Map<string, PairFinding>();
  for (const one of findings) {
    const key = `${operationKey(one.operation)} ${one.property ?? one.path}`;
    const known = byPlace.get(key);
    // The first is the plainer one: it comes from what is recorded, not from what changed.
    if (known === undefined || (known.level !== "breaking" && one.level === "breaking")) {
      byPlace.set(key, one);
    }
  }
  return [...byPlace.values()].sort((a, b) => (a.operation < b.operation ? -1 : 1));
}

/** What is recorded and not kept. What was so before this candidate is none of its doing. */
function keptFindings({ provider, reliance, before, after }: Pair): PairFinding[] {
  const { consumer, expects } = reliance;
  if (expects === null) return [];
  const now = verifyExpectations({ consumer, provider, expects, documents: after });
  if (before === null || now.length === 0) return now;
  const then = verifyExpectations({ consumer, provider, expects, documents: before });
  const old = new Set(then.map(placeOf));
  return now.map((one) => (old.has(placeOf(one)) ? { ...one, level: "warning" as const } : one));
}

function placeOf({ operation, property, rule }: PairFinding): string {
  return [operation, property ?? "", rule].join(" ");
}

function eventFindings({ provider, reliance, before, after }: Pair): PairFinding[] {
  const { consumer, consumes } = reliance;
  return consumes.flatMap((type) => {
    if (!type.startsWith(`${provider}.`) || after.emits.includes(type)) return [];
    const isOld = before !== null && !before.emits.includes(type);
    return {
      operation: type,
      path: `/channels/${type}`,
      rule: "event-missing",
      level: isOld ? ("warning" as const) : ("breaking" as const),
      property: null,
      sentence: `${provider} does not tell of ${type}, which ${consumer} consumes.`,
    };
  });
}

/** What changes between the two offers and touches this consumer. */
function changeFindings(pair: Pair, diff: DiffApis): PairFinding[] {
  const { change, reliance, provider } = pair;
  if (change === null) return [];
  const { consumer, expects, consumes, calls } = reliance;
  const own = expects?.filter((one) => one.provider === provider) ?? null;
  const changes = [
    ...(calls.includes(provider) || (own?.length ?? 0) > 0
      ? diff(...change.openapi, { kind: "openapi" })
      : []),
    ...diff(...change.asyncapi, { kind: "asyncapi" }).filter((one) =>
      consumes.includes(one.operation),
    ),
  ];
  return changes
    .filter((one) => one.level === "breaking" && !isToldBefore(one, own) && affects(one, own))
    .map((one) =>
      toPairFinding(one, own === null ? `${consumer} may rely on it` : `${consumer} does`),
    );
}

/** A whole route or event that is gone is found by what the consumer relies on, more plainly. */
function isToldBefore({ rule }: Finding, own: readonly Expectation[] | null): boolean {
  return rule === "event-removed" || (rule === "operation-removed" && own !== null);
}

/** What breaks callers that nobody can ask: whoever comes through the public listener. */
export function judgePublic({ openapi }: Change, diff: DiffApis): PairFinding[] {
  const operations = operationsOf(openapi[0]);
  const changes = diff(...openapi, { kind: "openapi" })
    .filter(({ level, operation }) => {
      return level === "breaking" && operations.get(operationKey(operation))?.isPublic === true;
    })
    .map((one) => toPairFinding(one, ANYBODY));
  return [...withdrawnFindings(openapi), ...changes];
}

const ANYBODY = "anybody may call it through the public listener";

/** Routes that stay for services and are gone for everybody else: no schema tells of that. */
function withdrawnFindings([before, after]: Change["openapi"]): PairFinding[] {
  const now = operationsOf(after);
  return [...operationsOf(before)].flatMap(([key, was]) => {
    const is = now.get(key);
    if (!was.isPublic || is === undefined || is.isPublic) return [];
    return {
      operation: was.name,
      path: pointerTo(is.operation.pointer, "x-tideway-exposure"),
      rule: "operation-withdrawn",
      level: "breaking" as const,
      property: null,
      sentence: `${was.name} is no longer public (${ANYBODY})`,
    };
  });
}

function toPairFinding(change: Finding, who: string): PairFinding {
  const { operation, path, rule, property, sentence } = change;
  return {
    operation,
    path,
    rule,
    level: "breaking",
    property: property ?? null,
    sentence: `${sentence} (${who})`,
  };
}
