/**
 * Whether a provider's documents keep what one consumer relies on. It asks the documents themselves,
 * so that no pair of revisions is ever unknown, whatever was released before.
 *
 * Reading is covariant: the field must still be there, and be of a type that the reader has met.
 * Sending is contravariant: what is sent must be taken, and nothing more may be asked for.
 */
import type { Expectation, JsonObject } from "@tideway/schema";
import type { PairFinding } from "./finding.ts";
import { eventData, operationKey, operationsOf } from "./operations.ts";
import { pointerTo } from "./schema-view.ts";
import { verifyReads } from "./verify-reads.ts";
import { verifyRequest } from "./verify-request.ts";

export interface ProviderDocuments {
  readonly openapi: JsonObject;
  readonly asyncapi: JsonObject;
}

export interface VerifyInput {
  readonly consumer: string;
  readonly provider: string;
  /** Of this consumer; those of other providers are passed over. */
  readonly expects: readonly Expectation[];
  readonly documents: ProviderDocuments;
}

/** Everything that the consumer relies on and the provider's documents do not keep. */
export function verifyExpectations(input: VerifyInput): PairFinding[] {
  const { consumer, provider, documents } = input;
  const operations = operationsOf(documents.openapi);
  const findings: PairFinding[] = [];
  for (const [name, own] of byOperation(input.expects, provider)) {
    const of = (part: Expectation["part"]) => own.filter((one) => one.part === part);
    const base = { consumer, provider };
    if (of("event").length > 0) {
      const data = eventData(documents.asyncapi, name);
      const read = { expects: of("event"), document: documents.asyncapi };
      // One that is not told of at all is found by what the consumer's manifest consumes.
      const roots = data === null ? [] : [data];
      findings.push(...verifyReads({ ...base, ...read, operation: name, roots }));
      continue;
    }
    const operation = operations.get(operationKey(name));
    const document = documents.openapi;
    if (operation === undefined) {
      findings.push(operationGone(input, name));
      continue;
    }
    if (!operation.areFieldsKnown) continue;
    const roots = operation.replies;
    findings.push(
      ...verifyReads({ ...base, operation: name, expects: of("reply"), document, roots }),
      ...verifyRequest({ ...base, name, expects: of("request"), document, operation }),
    );
  }
  return findings;
}

function byOperation(
  expects: readonly Expectation[],
  provider: string,
): ReadonlyMap<string, Expectation[]> {
  const grouped = new Map<string, Expectation[]>();
  for (const one of expects) {
    if (one.provider !== provider) continue;
    grouped.set(one.operation, [...(grouped.get(one.operation) ?? []), one]);
  }
  return grouped;
}

function operationGone({ consumer, provider }: VerifyInput, operation: string): PairFinding {
  const [method = "", path = ""] = operation.split(" ");
  const pointer = pointerTo("", "paths", path.replace(/:([a-zA-Z0-9_]+)/g, "{$1}"));
  return {
    operation,
    path: pointerTo(pointer, method.toLowerCase()),
    rule: "operation-missing",
    level: "breaking",
    property: null,
    sentence: `${provider} does not answer ${operation}, which ${consumer} calls.`,
  };
}
