import { expect, test } from "vitest";
import { diffApis } from "../diff-apis.ts";

const json = (schema: object) => ({ content: { "application/json": { schema } } });
const object = (properties: object) => ({ type: "object", properties });

interface Parts {
  readonly path?: string;
  readonly operation?: object;
  readonly root?: object;
}

function api({ path = "/invoices/{id}", operation = {}, root = {} }: Parts) {
  const responses = { 200: { description: "Good", ...json(object({ id: { type: "string" } })) } };
  return { openapi: "3.1.0", ...root, paths: { [path]: { post: { responses, ...operation } } } };
}

/** `level rule part property` of each finding. */
function changes(before: Parts, after: Parts): string[] {
  return diffApis(api(before), api(after), { kind: "openapi" }).map(
    ({ level, rule, part, property }) => [level, rule, part, property ?? ""].join(" ").trim(),
  );
}

const parameters = (...list: object[]): Parts => ({ operation: { parameters: list } });
const limit = { name: "limit", in: "query", schema: { type: "integer", default: 50 } };

test("an operation that is gone breaks, a new one does not", () => {
  const [gone, added] = diffApis(api({}), api({ path: "/bills" }), { kind: "openapi" });
  expect(gone).toMatchObject({
    rule: "operation-removed",
    level: "breaking",
    operation: "POST /invoices/{id}",
    path: "/paths/~1invoices~1{id}/post",
    document: "before",
  });
  expect(added).toMatchObject({ rule: "operation-added", level: "info", document: "after" });
});

test("a path whose parameter has another name is the same path", () => {
  const named = (name: string): Parts => ({
    path: `/invoices/{${name}}`,
    ...parameters({ name, in: "path", required: true, schema: { type: "string" } }),
  });
  expect(changes(named("id"), named("invoiceId"))).toEqual([]);
});

test.each([
  [parameters(), parameters(limit), "info parameter-added query limit"],
  [
    parameters(),
    parameters({ ...limit, required: true }),
    "breaking required-parameter-added query limit",
  ],
  [parameters(limit), parameters(), "warning parameter-removed query limit"],
  [
    parameters(limit),
    parameters({ ...limit, required: true }),
    "breaking parameter-became-required query limit",
  ],
  [
    parameters(limit),
    parameters({ ...limit, explode: false }),
    "breaking parameter-serialised-differently query limit",
  ],
  [
    parameters(limit),
    parameters({ ...limit, schema: { type: "integer", default: 20 } }),
    "breaking parameter-default-changed query limit",
  ],
  [
    parameters(limit),
    parameters({ ...limit, deprecated: true }),
    "info parameter-deprecated query limit",
  ],
])("parameters: %j -> %j", (before, after, expected) => {
  expect(changes(before, after)).toEqual([expected]);
});

test("a query is text: a number may become a string, not the other way", () => {
  const typed = (type: string) => parameters({ name: "q", in: "query", schema: { type } });
  expect(changes(typed("integer"), typed("string"))).toEqual(["info type-widened query q"]);
  expect(changes(typed("string"), typed("integer"))).toEqual(["breaking type-narrowed query q"]);
});

test("header names are compared without their case", () => {
  const header = (name: string) => parameters({ name, in: "header", schema: { type: "string" } });
  expect(changes(header("X-Key"), header("x-key"))).toEqual([]);
});

const body = (required: boolean, schema: object = object({})): Parts => ({
  operation: { requestBody: { required, ...json(schema) } },
});

test.each([
  [{}, body(true), "breaking body-required-added body"],
  [{}, body(false), "info body-added body"],
  [body(false), {}, "breaking body-removed body"],
  [body(false), body(true), "breaking body-became-required body"],
  [
    body(true),
    body(true, object({ a: { type: "string", readOnly: true } })),
    "info property-added body a",
  ],
])("bodies: %j -> %j", (before, after, expected) => {
  expect(changes(before, after)).toEqual([expected]);
});

test("a read-only field demands nothing of a caller", () => {
  const owner = { type: "string", readOnly: true };
  const required = { ...object({ owner }), required: ["owner"] };
  expect(changes(body(true, object({ owner })), body(true, required))).toEqual([
    "info property-became-required body owner",
  ]);
});

const replies = (responses: object): Parts => ({ operation: { responses } });
const good = { description: "Good" };

test.each([
  [
    replies({ 200: good }),
    replies({ 201: good }),
    ["breaking success-status-removed reply 200", "warning success-status-added reply 201"],
  ],
  [
    replies({ 200: good, 404: good }),
    replies({ 200: good }),
    ["info error-status-removed reply 404"],
  ],
  [
    replies({ 200: good, 404: good }),
    replies({ 200: good, default: good }),
    ["info error-status-added reply default"],
  ],
  [replies({ "2XX": good }), replies({ 200: good }), ["breaking success-status-removed reply 2XX"]],
])("replies: %j -> %j", (before, after, expected) => {
  expect(changes(before, after)).toEqual(expected);
});

test("an error's new body is held to what `default` promised", () => {
  const problem = (type: string) => json(object({ code: { type } }));
  const before = replies({ default: problem("string") });
  const after = replies({ default: problem("string"), 409: problem("integer") });
  expect(changes(before, after)).toEqual(["breaking type-changed reply 409 code"]);
});

test("headers of replies: a promised one may not go", () => {
  const headers = (required: boolean) =>
    replies({ 200: { headers: { ETag: { required, schema: { type: "string" } } } } });
  expect(changes(headers(true), replies({ 200: {} }))).toEqual([
    "breaking header-removed reply 200 header etag",
  ]);
  expect(changes(headers(false), replies({ 200: {} }))).toEqual([
    "warning optional-header-removed reply 200 header etag",
  ]);
  expect(changes(headers(true), headers(false))).toEqual([
    "breaking header-became-optional reply 200 header etag",
  ]);
});

test("media types: a range takes what it covers, not the other way", () => {
  const as = (type: string): Parts => ({
    operation: { requestBody: { content: { [type]: {} } } },
  });
  expect(changes(as("image/png"), as("image/*"))).toEqual(["info media-type-added body"]);
  expect(changes(as("image/*"), as("image/png"))).toEqual(["breaking media-type-removed body"]);
  expect(changes(as("image/png"), as("text/plain"))).toEqual([
    "breaking media-type-removed body",
    "info media-type-added body",
  ]);
});

test("security: more of a caller breaks, less does not", () => {
  const root = { components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } } };
  const asks = (security: object[]): Parts => ({ root, operation: { security } });
  const scoped = (...scopes: string[]) => asks([{ token: scopes }]);
  expect(changes(asks([]), scoped())).toEqual(["breaking security-added operation"]);
  expect(changes(scoped("read"), scoped("read", "write"))).toEqual([
    "breaking security-tightened operation",
  ]);
  expect(changes(scoped(), asks([{}]))).toEqual(["info security-loosened operation"]);
  expect(changes(scoped(), asks([{ token: [] }, {}]))).toEqual([
    "info security-loosened operation",
  ]);
});

test("a scheme that is only called otherwise is the same", () => {
  const called = (name: string): Parts => ({
    root: { components: { securitySchemes: { [name]: { type: "http", scheme: "bearer" } } } },
    operation: { security: [{ [name]: [] }] },
  });
  expect(changes(called("token"), called("bearer"))).toEqual([]);
});

test("in a callback the other side reads the request and writes the reply", () => {
  const told = (sent: object, answered: object): Parts => ({
    operation: {
      callbacks: {
        paid: {
          "{$request.body#/url}": {
            post: { requestBody: json(sent), responses: { 200: json(answered) } },
          },
        },
      },
    },
  });
  const [less, more] = [object({}), object({ a: { type: "string" } })];
  const must = { ...more, required: ["a"] };
  expect(changes(told(more, less), told(less, less))).toEqual(["breaking property-removed body a"]);
  expect(changes(told(less, less), told(less, must))).toEqual([
    "breaking required-property-added reply 200 a",
  ]);
});

test("webhooks are callbacks of nobody in particular", () => {
  const hook = { post: { requestBody: json(object({ a: { type: "string" } })), responses: {} } };
  const before = { openapi: "3.1.0", paths: {}, webhooks: { paid: hook } };
  expect(diffApis(before, { openapi: "3.1.0", paths: {} }, { kind: "openapi" })).toMatchObject([
    { rule: "callback-removed", level: "breaking", operation: "webhook paid POST" },
  ]);
});

test("an announced end may not come earlier", () => {
  const ends = (day: string): Parts => ({ operation: { deprecated: true, "x-sunset": day } });
  expect(changes(ends("2027-03-01"), ends("2027-01-01"))).toEqual([
    "breaking sunset-advanced operation",
  ]);
  expect(changes(ends("2027-01-01"), ends("2027-03-01"))).toEqual([]);
  expect(changes({}, ends("2027-01-01"))).toEqual(["info operation-deprecated operation"]);
});

test("OpenAPI 3.0 says nullable, 3.1 lists null", () => {
  const with30 = {
    ...api({ ...body(true, { type: "string", nullable: true }) }),
    openapi: "3.0.3",
  };
  const with31 = api({ ...body(true, { type: ["string", "null"] }) });
  expect(diffApis(with30, with31, { kind: "openapi" })).toEqual([]);
});
