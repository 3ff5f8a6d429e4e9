/** Documents of a small api with every kind of route and an event, checked by OpenAPI's own rules. */
import { commonErrors, defineErrors } from "@tideway/kernel";
import { Type } from "typebox";
import { describe, expect, test } from "vitest";
import {
  MinorAmount,
  Timestamp,
  canonicalJson,
  defineApi,
  formatExpectations,
  strict,
  toAsyncApi,
  toOpenApi,
} from "./index.ts";
import type { Expectation } from "./index.ts";

const api = defineApi({
  name: "shop",
  version: "1.2.0",
  errors: defineErrors({
    SHELF_EMPTY: { status: 409, retryable: false, title: "{shelf} is empty.", action: "Wait." },
  }),
  routes: {
    list: {
      method: "GET",
      path: "/shelves",
      auth: "public",
      exposure: "public",
      summary: "List.",
      query: strict({ limit: Type.Optional(Type.Integer({ minimum: 1 })), kind: Type.String() }),
      reply: Type.Object({ shelves: Type.Array(Type.Object({ shelf: Type.String() })) }),
    },
    buy: {
      method: "POST",
      path: "/shelves/:shelf/items/:item/buy",
      auth: "person",
      exposure: "public",
      summary: "Buy.",
      idempotent: true,
      params: strict({ shelf: Type.String(), item: Type.String() }),
      body: strict({ price: MinorAmount }),
      reply: Type.Object({ at: Timestamp, price: MinorAmount }),
      replyStatus: 201,
    },
    stock: {
      method: "PUT",
      path: "/shelves/:shelf",
      auth: "service",
      exposure: "internal",
      summary: "Stock.",
      params: strict({ shelf: Type.String() }),
      body: strict({ count: Type.Integer() }),
      reply: Type.Object({}),
    },
  },
  events: {
    bought: {
      type: "shop.item.bought.v1",
      summary: "Somebody bought an item.",
      key: "the shelf",
      shedding: "bulk",
      data: Type.Object({ shelf: Type.String(), price: MinorAmount }),
    },
  },
});

/** Any part of a JSON document, by its steps. */
const part = (document: unknown, ...steps: string[]): unknown =>
  steps.reduce((value, step) => Reflect.get(Object(value), step), document);

describe("OpenAPI", () => {
  const document = toOpenApi(api);
  const buy = ["paths", "/shelves/{shelf}/items/{item}/buy", "post"];

  test("every route is an operation with an id of its own, and every path parameter is declared", () => {
    const operations = Object.entries(Object(document["paths"])).flatMap(([path, item]) =>
      Object.values(Object(item)).map((operation) => ({ path, operation })),
    );
    const ids = operations.map(({ operation }) => part(operation, "operationId"));
    expect(ids.map(String).toSorted()).toEqual(["buy", "list", "stock"]);
    for (const { path, operation } of operations) {
      const declared = [part(operation, "parameters") ?? []].flat().flatMap((one: unknown) => {
        return part(one, "in") === "path" ? [part(one, "name")] : [];
      });
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect(declared).toEqual(named);
    }
  });

  test("what a caller must send is said: parameters, the key, the body and who it is", () => {
    expect(part(document, "paths", "/shelves", "get", "parameters")).toEqual([
      { name: "limit", in: "query", required: false, schema: { type: "integer", minimum: 1 } },
      { name: "kind", in: "query", required: true, schema: { type: "string" } },
    ]);
    expect(part(document, ...buy, "parameters", "2")).toMatchObject({
      name: "Idempotency-Key",
      in: "header",
      required: true,
    });
    expect(part(document, ...buy, "security")).toEqual([{ person: [] }]);
    expect(part(document, "paths", "/shelves", "get", "security")).toEqual([]);
    expect(part(document, ...buy, "requestBody", "required")).toBe(true);
  });

  test("refusals are problem details, with each code of the api and of all apis", () => {
    const problem = ["components", "responses", "Problem"];
    expect(part(document, ...buy, "responses", "default")).toEqual({
      $ref: "#/components/responses/Problem",
    });
    const codes = part(document, ...problem, "x-tideway-codes");
    expect(part(codes, "SHELF_EMPTY")).toMatchObject({ status: 409, retryable: false });
    expect(Object.keys(Object(codes))).toEqual(
      expect.arrayContaining(Object.keys(commonErrors.definitions)),
    );
  });

  test("examples are there where they are simple, and every reference leads somewhere", () => {
    expect(
      part(document, ...buy, "responses", "201", "content", "application/json", "example"),
    ).toEqual({ at: "2026-01-31T12:00:00.000Z", price: "480" });
    for (const [, reference = ""] of JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)) {
      expect(part(document, ...reference.slice(2).split("/"))).toBeDefined();
    }
  });

  test("the same api is the same bytes, and plain JSON without its library's marks", () => {
    expect(JSON.stringify(toOpenApi(api))).toBe(JSON.stringify(document));
    expect(JSON.parse(JSON.stringify(document))).toEqual(document);
    expect(canonicalJson(document)).not.toContain("~kind");
  });
});

test("AsyncAPI: a channel and a message for each type, and operations that send them", () => {
  const document = toAsyncApi(api);
  const type = "shop.item.bought.v1";
  expect(document["asyncapi"]).toBe("3.0.0");
  expect(part(document, "channels", type, "address")).toBe(type);
  expect(part(document, "operations", "bought", "action")).toBe("send");
  expect(part(document, "components", "messages", type)).toMatchObject({
    contentType: "application/json",
    payload: { type: "object", required: ["shelf", "price"] },
    "x-tideway-key": "the shelf",
    "x-tideway-shedding": "bulk",
  });
  for (const [, reference = ""] of JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)) {
    expect(part(document, ...reference.slice(2).split("/"))).toBeDefined();
  }
});

test("a file of expectations has each once, in one order, whatever order they came in", () => {
  const one: Expectation = {
    provider: "shop",
    operation: "GET /shelves",
    part: "reply",
    path: "shelves[].shelf",
    type: "string",
  };
  const other: Expectation = { ...one, path: "shelves", type: "array" };
  const text = formatExpectations("till", [one, other, { ...one }]);
  expect(text).toBe(formatExpectations("till", [other, one]));
  expect(JSON.parse(text)).toEqual({
    expectationsVersion: 1,
    consumer: "till",
    expects: [other, one],
  });
  expect(text.split("\n").filter((line) => line.includes("provider"))).toHaveLength(2);
  expect(JSON.parse(formatExpectations("till", []))).toMatchObject({ expects: [] });
});
