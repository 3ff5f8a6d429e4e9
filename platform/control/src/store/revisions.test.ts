import { join } from "node:path";
import { testDatabase } from "@tideway/testkit";
import type { TestDatabase } from "@tideway/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { manifestOf } from "../test/small-service.ts";
import { addRevision, findRevision, findRevisions, listRevisions } from "./revisions.ts";

let database: TestDatabase;
beforeAll(async () => {
  const migrations = join(import.meta.dirname, "../../migrations");
  database = await testDatabase({ service: "control", migrations });
});
afterAll(() => database.close());

test("a manifest that an older version stored is read with all that came later", async () => {
  const { pool } = database;
  const { emits: _emits, sagas: _sagas, cron: _cron, ...old } = manifestOf("shop");
  const stored = { ...old, consumes: ["ledger.account.changed.v1"] };
  await pool.query("insert into services (service) values ('shop')");
  await pool.query(
    `insert into revisions (revision, service, number, digest, manifest, created_by)
     values ('shop-1', 'shop', 1, 'digest', $1, 'test')`,
    [JSON.stringify(stored)],
  );
  const expected = {
    ...manifestOf("shop"),
    consumes: [{ type: "ledger.account.changed.v1", order: "key" }],
    emits: [],
    sagas: [],
    cron: {},
  };
  const again = { service: "shop", digest: "digest", manifest: manifestOf("shop") };
  const found = [
    await findRevision(pool, "shop-1"),
    (await findRevisions(pool, ["shop-1"]))[0],
    (await listRevisions(pool, "shop"))[0],
    (await addRevision(pool, { ...again, createdBy: "test" })).row,
  ];
  expect(found.map((row) => row?.manifest)).toEqual(Array.from(found, () => expected));
});

test("a present one is read as it was written", async () => {
  const { pool } = database;
  const manifest = {
    ...manifestOf("bakery"),
    consumes: [{ type: "a.b.v1", order: "none" as const }],
    emits: [{ type: "bakery.sold.v1", shedding: "bulk" as const }],
    sagas: [{ name: "bake", version: 2 }],
  };
  await addRevision(pool, { service: "bakery", digest: "x", manifest, createdBy: "test" });
  expect((await findRevision(pool, "bakery-1"))?.manifest).toEqual(manifest);
  expect(await findRevision(pool, "bakery-2")).toBeNull();
});
