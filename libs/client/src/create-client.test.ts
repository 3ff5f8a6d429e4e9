import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { defineErrors } from "@tideway/kernel";
import { defineApi, strict } from "@tideway/schema";
import { Type } from "typebox";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ClientError, createClient } from "./index.ts";

const api = defineApi({
  name: "shop",
  version: "1.0.0",
  errors: defineErrors({}),
  routes: {
    buy: {
      method: "POST",
      path: "/shelves/:shelf/buy",
      auth: "person",
      exposure: "public",
      summary: "Buy.",
      params: strict({ shelf: Type.String() }),
      query: strict({ gift: Type.Optional(Type.Boolean()) }),
      body: strict({ count: Type.Integer() }),
      reply: Type.Object({ path: Type.String(), token: Type.String(), key: Type.String() }),
    },
    list: {
      method: "GET",
      path: "/shelves",
      auth: "public",
      exposure: "public",
      summary: "List.",
      reply: Type.Object({ path: Type.String() }),
    },
  },
});

const server = createServer((request, response) => {
  const fields = { "content-type": "application/json", "tideway-trace": "t1" };
  if (request.url?.startsWith("/none")) {
    response.writeHead(503, fields).end("busy");
    return;
  }
  if (request.url?.startsWith("/broken")) {
    response
      .writeHead(409, fields)
      .end(
        JSON.stringify({ code: "SHELF_EMPTY", title: "Empty.", action: "Wait.", retryable: false }),
      );
    return;
  }
  if (request.url?.startsWith("/cut")) {
    request.socket.destroy();
    return;
  }
  if (request.url?.startsWith("/half")) {
    response.writeHead(503, { ...fields, "content-length": "1000" }).write('{"code":"OVER');
    setImmediate(() => request.socket.destroy());
    return;
  }
  response.writeHead(200, fields).end(
    JSON.stringify({
      path: request.url,
      token: request.headers.authorization ?? "",
      key: request.headers["idempotency-key"] ?? "",
    }),
  );
});
let origin = "";
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A listening TCP server has an AddressInfo, never a string.
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

const failureOf = async (promise: Promise<unknown>): Promise<ClientError> => {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof ClientError) return error;
  throw new Error("It did not fail with a ClientError.", { cause: error });
};

test("a call fills the path, the query, the token and the key", async () => {
  const client = createClient(api, { baseUrl: origin, token: () => "tok" });
  const reply = await client.buy({
    params: { shelf: "a/b" },
    query: { gift: true },
    body: { count: 2 },
    idempotencyKey: "key-12345",
  });
  expect(reply).toEqual({
    path: "/shelves/a%2Fb/buy?gift=true",
    token: "Bearer tok",
    key: "key-12345",
  });
  expect((await client.list()).path).toBe("/shelves");
});

test("a problem becomes an error with its code and trace", async () => {
  const error = await failureOf(createClient(api, { baseUrl: `${origin}/broken` }).list());
  expect(error).toMatchObject({
    code: "SHELF_EMPTY",
    status: 409,
    retryable: false,
    traceId: "t1",
  });
});

test("an unreadable answer and none at all are told apart", async () => {
  const unreadable = await failureOf(createClient(api, { baseUrl: `${origin}/none` }).list());
  expect(unreadable).toMatchObject({ code: "ANSWER_UNREADABLE", status: 503, retryable: true });
  const cut = await failureOf(createClient(api, { baseUrl: `${origin}/cut` }).list());
  expect(cut).toMatchObject({ code: "UNREACHABLE", status: 0, retryable: true });
});

test("an error that breaks off in its middle is no answer, and may be tried again", async () => {
  const half = await failureOf(createClient(api, { baseUrl: `${origin}/half` }).list());
  expect(half).toMatchObject({ code: "UNREACHABLE", status: 0, retryable: true });
});
