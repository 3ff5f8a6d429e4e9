/** What a consumer relies on, asked of a provider's documents: reading, sending, and events. */
import type { Expectation, JsonObject } from "@tideway/schema";
import { describe, expect, test } from "vitest";
import { verifyExpectations } from "./verify-expectations.ts";

const account = {
  type: "object",
  required: ["account", "balance"],
  properties: {
    account: { type: "string" },
    owner: { anyOf: [{ type: "string" }, { type: "null" }] },
    balance: { $ref: "#/components/schemas/Balance" },
    tags: { type: "array", items: { type: "object", properties: { tag: { type: "string" } } } },
    limits: { type: "object", patternProperties: { "^.*$": { type: "integer" } } },
    extra: {},
  },
};
const openapi = (change: JsonObject = {}): JsonObject => ({
  openapi: "3.1.0",
  paths: {
    "/accounts/{id}": {
      get: {
        parameters: [
          { name: "id", in: "path", required: true, schema: { type: "string" } },
          { name: "asset", in: "query", required: false, schema: { type: "string" } },
        ],
        responses: { "200": { content: { "application/json": { schema: account } } } },
        ...change,
      },
    },
    "/transfers": {
      post: {
        requestBody: {
          required: true,
          content: {
            "application/json": {
              schema: {
                type: "object",
                required: ["amount", "to"],
                additionalProperties: false,
                properties: {
                  amount: { type: "string" },
                  to: {
                    anyOf: [
                      { type: "object", required: ["email"], properties: { email: {} } },
                      { type: "object", required: ["person"], properties: { person: {} } },
                    ],
                  },
                },
              },
            },
          },
        },
        responses: { "201": { content: { "application/json": { schema: {} } } } },
        ...change,
      },
    },
  },
  components: {
    schemas: { Balance: { type: "object", properties: { posted: { type: "string" } } } },
  },
});
const asyncapi: JsonObject = {
  asyncapi: "3.0.0",
  channels: {
    "ledger.moved.v1": {
      address: "ledger.moved.v1",
      messages: { "ledger.moved.v1": { $ref: "#/components/messages/moved" } },
    },
  },
  components: {
    messages: { moved: { payload: { type: "object", properties: { to: { type: "string" } } } } },
  },
};

const READ = "GET /accounts/:accountId";
const reads = (path: string, type: Expectation["type"] = "string"): Expectation => {
  return { provider: "ledger", operation: READ, part: "reply", path, type };
};
const sends = (path: string, type: Expectation["type"] = "string", op = "POST /transfers") =>
  ({ provider: "ledger", operation: op, part: "request", path, type }) as const;
const base = { consumer: "payments", provider: "ledger" };
const verify = (expects: readonly Expectation[], change?: JsonObject): string[] =>
  verifyExpectations({ ...base, expects, documents: { openapi: openapi(change), asyncapi } }).map(
    ({ rule, property }) => `${rule} ${property ?? "-"}`,
  );

describe("reading", () => {
  test.each([
    ["a field", "account", "string"],
    ["a field behind a reference", "balance.posted", "string"],
    ["one branch of a union", "owner", "null"],
    ["an element's field", "tags[].tag", "string"],
    ["a record's value", "limits.*", "number"],
    ["anything below what is open", "extra.deep[].field", "boolean"],
  ] as const)("%s is kept", (_, path, type) => {
    expect(verify([reads(path, type)])).toEqual([]);
  });

  test("a field that is gone is told once, with its pointer, and not again for what is below", () => {
    const expects = [reads("money", "object"), reads("money.amount"), reads("money.asset")];
    const found = verifyExpectations({
      ...base,
      expects,
      documents: { openapi: openapi(), asyncapi },
    });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({
      rule: "field-missing",
      level: "breaking",
      property: "money",
      path: "/paths/~1accounts~1{id}/get/responses/200/content/application~1json/schema/properties/money",
    });
    expect(found[0]?.sentence).toContain("payments reads");
  });

  test("a field of another type is told; one of which the reader met one type still left is not", () => {
    expect(verify([reads("account", "number")])).toEqual(["field-type-changed account"]);
    expect(verify([reads("account", "null"), reads("account")])).toEqual([]);
    expect(verify([reads("account", "absent")])).toEqual([]);
  });

  test("a route that is gone is told whatever was read of it", () => {
    const gone = { ...reads("a"), operation: "GET /accounts/:id/limits" };
    expect(verify([gone])).toEqual(["operation-missing -"]);
  });

  test("an event's field is looked up in its message", () => {
    const event = { ...reads("to"), operation: "ledger.moved.v1", part: "event" } as const;
    expect(verify([event])).toEqual([]);
    expect(verify([{ ...event, path: "from" }])).toEqual(["field-missing from"]);
  });

  test("what another provider is expected to tell is none of this one's", () => {
    expect(verify([{ ...reads("name"), provider: "identity" }])).toEqual([]);
  });
});

describe("sending", () => {
  const whole = [sends("", "object"), sends("body", "object"), sends("body.amount")];
  const to = [sends("body.to", "object"), sends("body.to.person")];

  test("what is taken and all that is asked for is fine, by one branch of a union", () => {
    expect(verify([...whole, ...to])).toEqual([]);
  });

  test("a field that is not taken, or as another type only, is told", () => {
    expect(verify([...whole, ...to, sends("body.note")])).toEqual(["sent-field-refused body.note"]);
    const typed = verify([...whole, ...to, sends("body.amount", "number")]);
    expect(typed).toEqual(["sent-type-refused body.amount"]);
  });

  test("what is asked for and never sent is told: in the body, as parameter, as header", () => {
    expect(verify(whole)).toEqual(["required-field-not-sent body.to"]);
    const query = sends("query.asset", "string", READ);
    const required = (name: string, where: string) => ({
      parameters: [{ name, in: where, required: true, schema: { type: "string" } }],
    });
    const called = [sends("", "object", READ)];
    expect(verify(called, required("asset", "query"))).toEqual([
      "required-field-not-sent query.asset",
    ]);
    expect(verify([...called, query], required("asset", "query"))).toEqual([]);
    expect(verify(called, required("Idempotency-Key", "header"))).toEqual([
      "required-field-not-sent header.idempotency-key",
    ]);
  });

  test("a query parameter that is not there is refused by services, and told", () => {
    const called = [sends("query.kind", "string", READ)];
    expect(verify(called)).toEqual(["sent-field-refused query.kind"]);
  });
});
