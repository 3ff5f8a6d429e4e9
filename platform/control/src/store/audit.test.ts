import { join } from "node:path";
import { testDatabase } from "@tideway/testkit";
import type { TestDatabase } from "@tideway/testkit";
import { createPool } from "@tideway/store";
import type { Pool } from "@tideway/store";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findBrokenAudit, readAudit, writeAudit } from "./audit.ts";

let database: TestDatabase;
let admin: Pool;
beforeAll(async () => {
  const migrations = join(import.meta.dirname, "../../migrations");
  database = await testDatabase({ service: "control", migrations });
  admin = createPool({ url: database.adminUrl, connectionsMax: 2, applicationName: "thief" });
});
afterAll(async () => {
  await admin.end();
  await database.close();
});
const entry = (detail: string) => ({
  operator: "demo",
  action: "rollout.abort",
  subject: "payments",
  detail,
});

test("entries written at the same time form one unbroken chain", async () => {
  const writes = Array.from({ length: 20 }, (_, i) => writeAudit(database.pool, entry(`${i}`), i));
  await Promise.all(writes);
  expect(await readAudit(database.pool, 100)).toHaveLength(20);
  expect(await findBrokenAudit(database.pool)).toBeNull();
});

test("control itself may neither change nor remove an entry", async () => {
  const change = database.pool.query("update audit_log set detail = 'other'");
  await expect(change).rejects.toThrow("permission denied");
  await expect(database.pool.query("delete from audit_log")).rejects.toThrow("permission denied");
});

test("an entry changed behind its back is found", async () => {
  await admin.query("update audit_log set detail = 'other' where id = 7");
  expect(await findBrokenAudit(database.pool)).toBe("7");
});
