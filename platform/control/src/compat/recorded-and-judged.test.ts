/**
 * Recorder and gate together, on random apis: a consumer reads some fields of a reply, then the
 * provider drops one field. It is refused if and only if that field, or one below it, was read.
 */
import { createRecorder, trackReply } from "@tideway/client";
import { diffApis, documentFiles, judgeCandidate, parseDocuments } from "@tideway/compatibility";
import type { JudgedRevision } from "@tideway/compatibility";
import { defineErrors } from "@tideway/kernel";
import { defineApi, defineService, formatExpectations, toManifest } from "@tideway/schema";
import type { Expectation, RouteApi } from "@tideway/schema";
import * as fc from "fast-check";
import { Type } from "typebox";
import type { TSchema } from "typebox";
import { expect, test } from "vitest";

/** A field as a tree: a leaf, or an object, or a list of one. */
type Field =
  | { readonly kind: "leaf"; readonly schema: TSchema; readonly value: unknown }
  | { readonly kind: "object"; readonly fields: Readonly<Record<string, Field>> }
  | { readonly kind: "list"; readonly item: Field };

const NAMES = ["amount", "asset", "owner", "lines", "state"];
const leaf = fc.constantFrom<Field>(
  { kind: "leaf", schema: Type.String(), value: "480" },
  { kind: "leaf", schema: Type.Integer(), value: 3 },
  { kind: "leaf", schema: Type.Union([Type.String(), Type.Null()]), value: null },
  { kind: "leaf", schema: Type.Optional(Type.Boolean()), value: undefined },
);
const { object } = fc.letrec<{ field: Field; object: Extract<Field, { kind: "object" }> }>(
  (tie) => ({
    field: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      leaf,
      tie("object"),
      tie("field").map((item): Field => ({ kind: "list", item })),
    ),
    object: fc
      .dictionary(fc.constantFrom(...NAMES), tie("field"), { minKeys: 1, maxKeys: 4 })
      .map((fields) => ({ kind: "object", fields }) as const),
  }),
);

function schemaOf(field: Field): TSchema {
  if (field.kind === "leaf") return field.schema;
  if (field.kind === "list") return Type.Array(schemaOf(field.item));
  return Type.Object(mapFields(field.fields, schemaOf));
}

/** A list has two elements, so that a path stands for more than one of them. */
function valueOf(field: Field): unknown {
  if (field.kind === "leaf") return field.value;
  if (field.kind === "list") return [valueOf(field.item), valueOf(field.item)];
  return mapFields(field.fields, valueOf);
}

const mapFields = <T>(fields: Readonly<Record<string, Field>>, act: (field: Field) => T) =>
  Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, act(field)] as const));

/** Every named field's path, as expectations spell it. */
function pathsOf(field: Field, path = ""): string[] {
  if (field.kind === "leaf") return [];
  if (field.kind === "list") return pathsOf(field.item, `${path}[]`);
  return Object.entries(field.fields).flatMap(([name, below]) => {
    const own = path === "" ? name : `${path}.${name}`;
    return [own, ...pathsOf(below, own)];
  });
}

/** Looks at one path the way code would: name by name, through every element. */
function read(value: unknown, steps: readonly string[]): void {
  const [step, ...rest] = steps;
  if (step === undefined || value === null || value === undefined) return;
  if (step === "[]") for (const item of Array.isArray(value) ? value : []) read(item, rest);
  else read(Reflect.get(Object(value), step), rest);
}

const stepsOf = (path: string): string[] => path.replaceAll("[]", ".[]").split(".").filter(Boolean);

function drop(field: Field, steps: readonly string[]): Field {
  const [step = "", ...rest] = steps;
  if (field.kind === "list") return { kind: "list", item: drop(field.item, rest) };
  if (field.kind === "leaf") return field;
  const { [step]: below, ...others } = field.fields;
  if (rest.length === 0 || below === undefined) return { kind: "object", fields: others };
  return { kind: "object", fields: { ...field.fields, [step]: drop(below, rest) } };
}

const routeOf = (reply: TSchema) =>
  ({
    method: "GET",
    path: "/things/:thing",
    auth: "service",
    exposure: "internal",
    summary: "A thing.",
    params: Type.Object({ thing: Type.String() }),
    reply,
  }) as const satisfies RouteApi;

function revisionOf(
  service: "shop" | "till",
  number: number,
  given: { readonly reply?: TSchema; readonly expects?: readonly Expectation[] },
): JudgedRevision {
  const { reply, expects } = given;
  const routes: Record<string, RouteApi> = reply === undefined ? {} : { thing: routeOf(reply) };
  const api = defineApi({ name: service, version: "1.0.0", errors: defineErrors({}), routes });
  const calls = service === "till" ? ["shop"] : [];
  const file = expects && { "expectations.json": formatExpectations(service, expects) };
  const files: Record<string, string> = { ...documentFiles(api), ...file };
  const parsed = parseDocuments(service, (name) => files[name] ?? null);
  if (parsed.kind !== "documents") throw new Error("It has documents.");
  return {
    revision: `${service}-${number}`,
    service,
    manifest: toManifest(defineService({ name: service, api, database: false, calls })),
    documents: parsed.documents,
    observed: [],
  };
}

test("a field may be dropped if and only if nobody reads it, or anything below it", async () => {
  const drawn = object.chain((tree) => {
    const paths = pathsOf(tree);
    return fc.record({
      tree: fc.constant(tree),
      looked: fc.subarray(paths),
      dropped: fc.constantFrom(...paths),
    });
  });
  await fc.assert(
    fc.asyncProperty(drawn, async ({ tree, looked, dropped }) => {
      const recorder = createRecorder({ share: 1 });
      const route = routeOf(schemaOf(tree));
      // As it comes off the wire: what is undefined is not there.
      const sent: unknown = JSON.parse(JSON.stringify(valueOf(tree)));
      const reply = trackReply({ provider: "shop", route, recorder }, sent);
      for (const path of looked) read(reply, stepsOf(path));
      const expects = recorder.list();
      const isRead = expects.some(({ path }) => {
        return (
          path === dropped || path.startsWith(`${dropped}.`) || path.startsWith(`${dropped}[]`)
        );
      });
      const live = [
        { ...revisionOf("shop", 1, { reply: schemaOf(tree) }), role: "stable" as const },
        { ...revisionOf("till", 1, { expects }), role: "stable" as const },
      ];
      const same = revisionOf("shop", 2, { reply: schemaOf(tree) });
      const kept = await judgeCandidate({ candidate: same, live }, { diff: diffApis });
      expect(kept.findings).toEqual([]);
      const candidate = revisionOf("shop", 3, { reply: schemaOf(drop(tree, stepsOf(dropped))) });
      const judged = await judgeCandidate({ candidate, live }, { diff: diffApis });
      expect(judged.verdict).toBe(isRead ? "incompatible" : "compatible");
    }),
    { numRuns: 40 },
  );
});

test("a recorded reply is the same to its reader as the bare one, whatever JSON it is", () => {
  fc.assert(
    fc.property(object, (tree) => {
      const recorder = createRecorder({ share: 1 });
      const sent: unknown = JSON.parse(JSON.stringify(valueOf(tree)));
      const reply = trackReply(
        { provider: "shop", route: routeOf(schemaOf(tree)), recorder },
        sent,
      );
      expect(JSON.stringify(reply)).toBe(JSON.stringify(sent));
      expect(reply).toEqual(sent);
    }),
    { numRuns: 100 },
  );
});
