/**
 * Goal: our diff against pairs of documents that others wrote. Every pair that oasdiff calls
 * breaking must be flagged, at the operation and the field where it breaks; none that it calls
 * harmless may be, but for the opinions that are listed, each with its reason. AsyncAPI's own pairs
 * are a smoke test.
 */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { diffApis } from "@tideway/compatibility";
import type { Finding } from "@tideway/compatibility";
import { describe, expect, test } from "vitest";
import { YAMLParseError } from "yaml";
import { areThere, documentsOf, readCases, readDocument } from "./openapi-diff-cases.ts";
import type { Case } from "./openapi-diff-cases.ts";
import { CHANGED_BY_THE_TEST, OPINIONS, PLACES, WARNINGS } from "./openapi-diff-opinions.ts";

const { plain, mutated } = readCases();
const cases = [...plain, ...mutated];
const breaking = cases.filter(({ expected }) => expected === "breaking");
const harmless = cases.filter(({ expected }) => expected === "harmless");
const warning = cases.filter(({ expected }) => expected === "warning");

test.skipIf(areThere)("the cases are not here, so nothing was tested", (context) => {
  context.skip("../shared/cases/reliability/oasdiff is missing beside the checkout");
});

function findingsOf(one: Case): readonly Finding[] {
  const [before, after] = documentsOf(one);
  const byCode = CHANGED_BY_THE_TEST[one.name];
  if (byCode !== undefined) removeReply(byCode.from === "before" ? before : after, byCode.remove);
  return diffApis(before, after, { kind: "openapi" });
}

function removeReply(document: unknown, status: string): void {
  let at: unknown = document;
  for (const step of ["paths", "/api/v1.0/groups", "post", "responses"]) {
    at = typeof at === "object" && at !== null ? Reflect.get(at, step) : undefined;
  }
  if (typeof at !== "object" || at === null) throw new Error("The fixture has other paths now.");
  expect(Reflect.has(at, status)).toBe(true);
  Reflect.deleteProperty(at, status);
}

const broken = (one: Case): readonly Finding[] =>
  findingsOf(one).filter(({ level }) => level === "breaking");

function placeOf({ operation, part, property }: Finding): string {
  return [operation, part, property].filter((step) => step !== undefined).join(" · ");
}

describe.skipIf(!areThere)("oasdiff's pairs", () => {
  test("are as many as we know of", () => {
    expect(breaking.length).toBe(32);
    expect(harmless.length).toBe(70);
    expect(warning.length).toBe(3);
    expect(Object.keys(PLACES).sort()).toEqual(breaking.map(({ name }) => name).sort());
  });

  test.each(breaking)("$name is flagged where it breaks: $ids", (one) => {
    const places = new Set(broken(one).map(placeOf));
    expect([...places].sort()).toEqual([...(PLACES[one.name] ?? [])].sort());
  });

  const opinions = new Map(
    OPINIONS.flatMap((opinion) => opinion.cases.map((name) => [name, opinion] as const)),
  );

  test.each(harmless)("$name is not flagged, or for a reason that we stand by: $ids", (one) => {
    const rules = new Set(broken(one).map(({ rule }) => rule));
    const opinion = opinions.get(one.name);
    expect([...rules].sort(), opinion?.reason).toEqual([...(opinion?.rules ?? [])].sort());
  });

  test("every opinion is about a pair that is there", () => {
    const names = new Set(harmless.map(({ name }) => name));
    expect([...opinions.keys()].filter((name) => !names.has(name))).toEqual([]);
  });

  test.each(warning)("$name, which oasdiff warns of, breaks here: $ids", (one) => {
    expect(broken(one).map(({ rule }) => rule)).toEqual([WARNINGS[one.name]]);
  });
});

describe.skipIf(!areThere)("oasdiff's documents", () => {
  const folder = areThere
    ? fileURLToPath(new URL("../../../shared/cases/reliability/oasdiff/data", import.meta.url))
    : "";
  const documents = areThere
    ? readdirSync(folder, { recursive: true, encoding: "utf8" })
        .filter((path) => /\.(ya?ml|json)$/.test(path))
        .flatMap((path) => readable(path))
    : [];

  /** A few fixtures are broken YAML on purpose. */
  function readable(path: string): { path: string; document: unknown }[] {
    try {
      return [{ path, document: readDocument(`oasdiff/data/${path}`) }];
    } catch (error) {
      if (error instanceof YAMLParseError) return [];
      throw error;
    }
  }

  test("none differs from itself", () => {
    expect(documents.length).toBeGreaterThan(550);
    for (const { path, document } of documents) {
      const copy = structuredClone(document);
      expect(diffApis(document, copy, { kind: "openapi" }), path).toEqual([]);
    }
  });

  test("any two neighbours can be compared, and every finding leads to its place", () => {
    for (const [index, { document }] of documents.entries()) {
      const other = documents[index + 1]?.document;
      for (const finding of diffApis(document, other, { kind: "openapi" })) {
        const root = finding.document === "before" ? document : other;
        expect(at(root, finding.path), JSON.stringify(finding)).not.toBeUndefined();
        expect(finding.sentence).not.toMatch(/[{}]what|[{}]detail|undefined/i);
      }
    }
  });
});

/** What a JSON pointer leads to. */
function at(root: unknown, pointer: string): unknown {
  return pointer
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce<unknown>(
      (value, step) =>
        typeof value === "object" && value !== null ? Reflect.get(value, step) : undefined,
      root,
    );
}

describe.skipIf(!areThere)("AsyncAPI's pairs", () => {
  const read = (name: string): unknown => readDocument(`asyncapi-diff/test/spec/${name}`);

  test("version 3: what changed there concerns no reader", () => {
    const findings = diffApis(read("asyncapi-v3.yml"), read("asyncapi-v3-diff.yml"), {
      kind: "asyncapi",
    });
    expect(findings.filter(({ level }) => level !== "info")).toEqual([]);
  });

  test("version 2: a channel of another name is another way to come by", () => {
    const findings = diffApis(read("asyncapi.yml"), read("diffSpec.yml"), { kind: "asyncapi" });
    expect(findings.map(({ rule, operation }) => [rule, operation])).toEqual([
      ["event-moved", "channelMessage"],
    ]);
  });
});
