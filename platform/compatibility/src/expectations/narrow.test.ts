/** A change touches a consumer or it does not: by what it reads, and by what it sends. */
import type { Expectation } from "@tideway/schema";
import { expect, test } from "vitest";
import { affects } from "./narrow.ts";

const own: Expectation[] = [
  ["GET /a/:id", "reply", "", "object"],
  ["GET /a/:id", "reply", "lines[].amount", "string"],
  ["GET /a/:id", "request", "query.owner", "string"],
  ["POST /b", "request", "body.money.asset", "string"],
  ["x.made.v1", "event", "id", "string"],
].map(([operation = "", part, path = "", type]) => {
  // Written as a table above; each column has its own words.
  return { provider: "x", operation, part, path, type } as Expectation;
});
const change = { operation: "GET /a/{key}", direction: "reply", part: "reply 200" } as const;
const rule = "property-removed" as const;

test.each([
  ["a field it reads", { ...change, rule, property: "lines[].amount" }, true],
  ["what holds a field it reads", { ...change, rule, property: "lines" }, true],
  ["a field it does not read", { ...change, rule, property: "lines[].note" }, false],
  ["one whose name only begins alike", { ...change, rule, property: "line" }, false],
  ["the whole reply", { ...change, rule }, true],
  ["another route", { ...change, rule, operation: "GET /c", property: "lines" }, false],
  ["a refusal's fields", { ...change, rule, part: "reply default", property: "code" }, true],
] as const)("a reply: %s", (_, given, expected) => {
  expect(affects(given, own)).toBe(expected);
});

const request = { operation: "GET /a/{id}", direction: "request" } as const;
const body = { operation: "POST /b", direction: "request", part: "body" } as const;
test.each([
  ["a parameter it sends", { ...request, part: "query owner", rule: "pattern-added" }, true],
  ["one it does not send", { ...request, part: "query limit", rule: "pattern-added" }, false],
  ["one newly asked for", { ...request, part: "query x", rule: "required-parameter-added" }, true],
  ["a field it sends", { ...body, property: "money.asset", rule: "enum-added" }, true],
  ["a field it does not send", { ...body, property: "note", rule: "enum-added" }, false],
  ["a field newly asked for", { ...body, property: "n", rule: "required-property-added" }, true],
  ["a path parameter", { ...request, part: "path accountId", rule: "pattern-added" }, true],
  ["the route itself", { ...request, part: "operation", rule: "operation-removed" }, true],
] as const)("a request: %s", (_, given, expected) => {
  expect(affects(given, own)).toBe(expected);
});

test("events: by what is read, and wholly where nothing of that type was ever noted", () => {
  const event = { direction: "event", part: "event", rule, property: "kind" } as const;
  expect(affects({ ...event, operation: "x.made.v1" }, own)).toBe(false);
  expect(affects({ ...event, operation: "x.made.v1", property: "id" }, own)).toBe(true);
  expect(affects({ ...event, operation: "x.gone.v1" }, own)).toBe(true);
});

test("a consumer of which nothing is recorded is touched by everything", () => {
  expect(affects({ ...change, rule, property: "anything" }, null)).toBe(true);
});
