/** Sending is contravariant: what is sent must be taken, and nothing more may be asked for. */
import type { Expectation, FieldType, JsonObject } from "@tideway/schema";
import type { PairFinding } from "./finding.ts";
import type { Operation } from "./operations.ts";
import { fields, lookUp, pointerTo } from "./schema-view.ts";
import type { Lookup, Place } from "./schema-view.ts";
import { byPath, listTypes, lookUpAny, named, typesOf } from "./sent-and-read.ts";

export interface SentInput {
  readonly consumer: string;
  readonly provider: string;
  readonly name: string;
  /** Of this operation's request; none when nobody recorded any. */
  readonly expects: readonly Expectation[];
  readonly document: JsonObject;
  readonly operation: Operation;
}

/** What the consumer sends and is refused, or does not send and is asked for. */
export function verifyRequest(input: SentInput): PairFinding[] {
  const sent = byPath(input.expects);
  if (sent.size === 0) return [];
  return [
    ...refusedFields(input, sent),
    ...missingParameters(input, sent),
    ...missingFields(input, sent),
  ];
}

type Sent = ReadonlyMap<string, ReadonlySet<FieldType>>;

/** What is sent and not taken. */
function refusedFields(input: SentInput, sent: Sent): PairFinding[] {
  const { consumer, provider, document, name: operation } = input;
  const findings: PairFinding[] = [];
  for (const [path, types] of sent) {
    const { root, below, pointer } = placeOfSent(path, input.operation);
    if (root === "not told") continue;
    const found: Lookup =
      root === null
        ? { kind: "missing", pointer, refused: true }
        : lookUpAny(document, [root], below);
    const base = { operation, level: "breaking", property: path } as const;
    if (found.kind === "missing" && found.refused) {
      findings.push({
        ...base,
        path: found.pointer,
        rule: "sent-field-refused",
        sentence: `${provider} does not take ${named(path)} in ${operation}, which ${consumer} sends.`,
      });
    }
    if (found.kind !== "found") continue;
    const taken = typesOf(found.places);
    const refused = [...types].filter((type) => !taken.has(type));
    if (refused.length === 0) continue;
    findings.push({
      ...base,
      path: found.places[0]?.pointer ?? "",
      rule: "sent-type-refused",
      sentence:
        `${provider} takes ${named(path)} in ${operation} as ${listTypes(taken)}, ` +
        `and ${consumer} sends it as ${listTypes(refused)}.`,
    });
  }
  return findings;
}

interface SentPlace {
  /** "not told": names of path parameters and of headers are nothing that can be refused. */
  readonly root: Place | null | "not told";
  readonly below: string;
  readonly pointer: string;
}

function placeOfSent(path: string, { body, parameters, operation }: Operation): SentPlace {
  const { pointer } = operation;
  const [part = "", ...rest] = path.split(/\.|(?=\[\])/);
  const below = path.slice(part.length).replace(/^\./, "");
  if (part === "body") return { root: body, below, pointer: pointerTo(pointer, "requestBody") };
  if (part !== "query" || rest.length === 0) return { root: "not told", below, pointer };
  const parameter = parameters.find((one) => one.in === "query" && one.name === rest[0]);
  const listed = pointerTo(pointer, "parameters");
  return { root: parameter?.place ?? null, below: rest.slice(1).join("."), pointer: listed };
}

/** Parameters and headers that are asked for and never sent. */
function missingParameters(input: SentInput, sent: Sent): PairFinding[] {
  const { consumer, provider, name: operation } = input;
  return input.operation.parameters.flatMap((parameter) => {
    const { required, name, place } = parameter;
    if (!required || (parameter.in !== "query" && parameter.in !== "header")) return [];
    const path = parameter.in === "query" ? `query.${name}` : `header.${name.toLowerCase()}`;
    return sent.has(path) ? [] : [notSent({ consumer, provider, operation, path, place })];
  });
}

/** Fields of the body that are asked for and never sent, in each object that is. */
function missingFields(input: SentInput, sent: Sent): PairFinding[] {
  const { consumer, provider, document, name: operation } = input;
  const { body, bodyRequired } = input.operation;
  if (body === null) return [];
  if (!sent.has("body")) {
    const path = "body";
    return bodyRequired ? [notSent({ consumer, provider, operation, path, place: body })] : [];
  }
  return [...sent].flatMap(([path, types]) => {
    if (!types.has("object") || !/^body(\.|\[|$)/.test(path)) return [];
    const found = lookUp(document, body, path.slice(4).replace(/^\./, ""));
    if (found.kind !== "found") return [];
    const lacking = found.places.map((place) =>
      requiredOf(place)
        .map((name) => ({ path: `${path}.${name}`, place }))
        .filter((one) => !sent.has(one.path)),
    );
    // Of the branches of a union one is enough.
    if (lacking.some((one) => one.length === 0)) return [];
    return (lacking[0] ?? []).map((one) => notSent({ consumer, provider, operation, ...one }));
  });
}

function notSent(given: {
  readonly consumer: string;
  readonly provider: string;
  readonly operation: string;
  readonly path: string;
  readonly place: Place;
}): PairFinding {
  const { consumer, provider, operation, path, place } = given;
  return {
    operation,
    path: place.pointer,
    rule: "required-field-not-sent",
    level: "breaking",
    property: path,
    sentence: `${provider} asks for ${named(path)} in ${operation}, which ${consumer} does not send.`,
  };
}

function requiredOf(place: Place): string[] {
  const required = fields(place.schema)["required"];
  return Array.isArray(required) ? required.filter((name) => typeof name === "string") : [];
}
