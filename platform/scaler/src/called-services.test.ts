import { array, assert, integer, property, tuple } from "fast-check";
import { expect, test } from "vitest";
import { calledServices } from "./called-services.ts";

const calls = new Map([
  ["shop", ["payments", "identity"]],
  ["payments", ["ledger"]],
  ["ledger", ["identity"]],
  ["ring", ["other"]],
  ["other", ["ring"]],
]);

test("what is called is found through any number of steps", () => {
  expect([...calledServices(calls, ["shop"])].sort()).toEqual(["identity", "ledger", "payments"]);
  expect([...calledServices(calls, ["identity", "unknown"])]).toEqual([]);
});

test("services that call each other end the search, and are called themselves", () => {
  expect([...calledServices(calls, ["ring"])].sort()).toEqual(["other", "ring"]);
});

test("in any graph: closed under calls, and nothing that no chain of calls leads to", () => {
  const service = integer({ min: 0, max: 7 }).map((number) => `s${number}`);
  assert(
    property(array(tuple(service, service), { maxLength: 30 }), service, (edges, start) => {
      const graph = new Map<string, string[]>();
      for (const [from, to] of edges) graph.set(from, [...(graph.get(from) ?? []), to]);
      const called = calledServices(graph, [start]);
      for (const one of [start, ...called]) {
        for (const callee of graph.get(one) ?? []) expect(called.has(callee)).toBe(true);
      }
      const reachedBy = (one: string): boolean =>
        edges.some(([from, to]) => to === one && (from === start || called.has(from)));
      expect([...called].every(reachedBy)).toBe(true);
    }),
  );
});
