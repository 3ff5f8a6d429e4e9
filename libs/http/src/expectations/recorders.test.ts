/** What a service reads of its neighbour is recorded under its own name, and told by its probe. */
import { createServer } from "node:http";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineErrors } from "@tideway/kernel";
import { defineApi, defineService } from "@tideway/schema";
import { testService } from "@tideway/testkit";
import { Type } from "typebox";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EXPECTATIONS_PATH } from "./probe.ts";
import { recordedEvent, recorderOf } from "./recorders.ts";
import { createInternalClient } from "../internal-client.ts";

const list = {
  method: "GET",
  path: "/shelves",
  auth: "public",
  exposure: "public",
  summary: "List.",
  reply: Type.Object({ count: Type.Integer(), kind: Type.String() }),
} as const;
const api = defineApi({
  name: "shop",
  version: "1.0.0",
  errors: defineErrors({}),
  routes: { list },
  events: {
    bought: {
      type: "shop.item.bought.v1",
      summary: "Bought.",
      key: "the shelf",
      data: Type.Object({ shelf: Type.String() }),
    },
  },
});

let folder: string;
let file: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tw-reads-"));
  file = join(folder, "reads.jsonl");
  process.env["TIDEWAY_EXPECTATIONS_FILE"] = file;
});
afterAll(() => {
  delete process.env["TIDEWAY_EXPECTATIONS_FILE"];
  rmSync(folder, { recursive: true });
});

test("a test's reads go to the file at once, under the reader's name", async () => {
  // Stands for the gateway: recording happens at the caller.
  const gateway = createServer((_, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ count: 3, kind: "x" }));
  });
  await new Promise<void>((resolve) => gateway.listen(0, "127.0.0.1", resolve));
  // A listening TCP server has an AddressInfo, never a string.
  const { port } = gateway.address() as { port: number };
  const config = {
    internalUrl: `http://127.0.0.1:${port}`,
    instance: "ins_1",
    instanceSecret: "s",
  };
  const client = createInternalClient(api, { ...config, service: "till" });
  expect((await client.list()).count).toBe(3);
  expect(recordedEvent("till", api.events.bought, { shelf: "a" }).shelf).toBe("a");
  const lines = readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines).toContainEqual({
    consumer: "till",
    provider: "shop",
    operation: "GET /shelves",
    part: "reply",
    path: "count",
    type: "number",
  });
  expect(lines).toContainEqual(
    expect.objectContaining({ operation: "shop.item.bought.v1", part: "event", path: "shelf" }),
  );
  expect(lines.some(({ path }) => path === "kind")).toBe(false);
  gateway.close();
});

test("an instance tells what it recorded, without an assertion and only that", async () => {
  const till = await testService({
    declaration: defineService({ name: "till", api: { ...api, name: "till" }, database: false }),
    build: () => ({ handlers: { list: () => Promise.resolve({ count: 0, kind: "" }) } }),
  });
  const answer = await till.app.inject({ method: "GET", url: EXPECTATIONS_PATH });
  expect(answer.statusCode).toBe(200);
  expect(answer.json()).toEqual({ consumer: "till", expects: recorderOf("till").list() });
  expect(recorderOf("till").list().length).toBeGreaterThan(0);
  await till.stop();
});
