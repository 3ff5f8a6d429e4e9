/** Which of the server's own words are about its state, and not about what was asked of it. */
import { isCoded } from "@tideway/kernel";
import { testDatabase } from "@tideway/testkit";
import type { TestDatabase } from "@tideway/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { databaseFailure } from "./index.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase({ service: "shop" });
});
afterAll(() => database.close());

/** The code of the failure when the server refuses with this SQLSTATE; null when it has none. */
async function codeOf(state: string): Promise<string | null> {
  const refused: unknown = await database.pool
    .query(`do $$ begin raise exception 'as told' using errcode = '${state}'; end $$`)
    .catch((error: unknown) => error);
  const failure = databaseFailure(refused, "shop");
  return isCoded(failure) ? failure.code : null;
}

test.each([
  ["the disk is full", "53100", "OVERLOADED"],
  ["no memory or lock is left", "53200", "OVERLOADED"],
  ["no connection is left", "53300", "OVERLOADED"],
  ["a lock was waited for too long", "55P03", "OVERLOADED"],
  ["a statement took too long", "57014", "OVERLOADED"],
  ["the disk fails", "58030", "UPSTREAM_UNAVAILABLE"],
  ["the server shuts down", "57P01", "UPSTREAM_UNAVAILABLE"],
  ["a row is there already", "23505", null],
  ["a value is none of its type", "22P02", null],
])("%s (%s): %s", async (_, state, code) => expect(await codeOf(state)).toBe(code));

test("a replica takes no writes, which is no fault of the statement", async () => {
  const client = await database.pool.connect();
  await client.query("begin read only");
  const refused: unknown = await client
    .query("create table things (id int)")
    .catch((error: unknown) => error);
  await client.query("rollback");
  client.release();
  expect(databaseFailure(refused, "shop")).toMatchObject({ code: "UPSTREAM_UNAVAILABLE" });
});
