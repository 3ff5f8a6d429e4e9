/** Goal: a gate that is asked before every release answers at once, also for the largest api. */
import { expect, test } from "vitest";
import { diffApis } from "../diff-apis.ts";
import type { Finding } from "../finding.ts";

const ROUTES = 500;
const LIMIT_MS = 1_000;

const LAYERS = 5;
const WIDTH = 12;

/** Routes that share components five layers deep, the last of which refer to themselves. */
function largeApi(amount: object) {
  const refer = (layer: number, i: number) => ({
    $ref: `#/components/schemas/Thing${Math.min(layer, LAYERS - 1)}x${i % WIDTH}`,
  });
  const thing = (layer: number, i: number) => ({
    type: "object",
    required: ["id"],
    properties: {
      id: { type: "string", pattern: "^thing_[0-9a-z]{26}$" },
      next: refer(layer + 1, layer === LAYERS - 1 ? i : i + 1),
      kind: { anyOf: ["a", "b", "c"].map((value) => ({ const: value, type: "string" })) },
      lines: { type: "array", items: refer(layer + 1, layer === LAYERS - 1 ? i : i * 5) },
      name: { type: ["string", "null"] },
      ...(layer === LAYERS - 1 && i === 0 && { amount }),
    },
  });
  const schemas = Object.fromEntries(
    Array.from({ length: LAYERS * WIDTH }, (_, n) => {
      const [layer, i] = [Math.floor(n / WIDTH), n % WIDTH];
      return [`Thing${layer}x${i}`, thing(layer, i)];
    }),
  );
  const paths = Object.fromEntries(
    Array.from({ length: ROUTES }, (_, i) => {
      const { $ref } = refer(0, i);
      const content = { "application/json": { schema: { $ref } } };
      const either = { oneOf: [{ $ref }, { type: "null" }] };
      const responses = { 200: { content: { "application/json": { schema: either } } } };
      return [`/things/${i}/{id}`, { post: { requestBody: { content }, responses } }];
    }),
  );
  return { openapi: "3.1.0", paths, components: { schemas } };
}

/** The processor's time, because other tests share the machine and the clock on the wall. */
function busyMs(work: () => void): number {
  const begun = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1_000;
}

test(`${ROUTES} routes are compared within ${LIMIT_MS} ms`, () => {
  const before = largeApi({ type: "string" });
  const copy = structuredClone(before);
  const after = largeApi({ type: "integer" });
  let findings: readonly Finding[] = [];
  const sameMs = busyMs(() => {
    findings = diffApis(before, copy, { kind: "openapi" });
  });
  expect(findings).toEqual([]);
  const changedMs = busyMs(() => {
    findings = diffApis(before, after, { kind: "openapi" });
  });
  expect(new Set(findings.map(({ operation }) => operation)).size).toBeGreaterThan(ROUTES / 4);
  expect(sameMs).toBeLessThan(LIMIT_MS);
  expect(changedMs).toBeLessThan(LIMIT_MS);
});
