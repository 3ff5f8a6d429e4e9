/** What a revision gets before it starts, and what its instances are told. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Manifest } from "@tideway/schema";
import { createPool, withDatabase } from "@tideway/store";
import type { Pool } from "@tideway/store";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createProvisioning } from "./provisioning.ts";
import { manifestOf } from "./test/small-service.ts";

const SERVICE = "prepared";
const postgresUrl = process.env["TIDEWAY_TEST_POSTGRES_URL"] ?? "";
let home: string;
let superuser: Pool;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "tw-provisioning-"));
  superuser = createPool({ url: postgresUrl, connectionsMax: 1, applicationName: "test" });
});
afterAll(async () => {
  await superuser.end();
  rmSync(home, { recursive: true });
});

const config = () => ({
  home,
  postgresUrl,
  profile: "demo" as const,
  publicUrl: "http://public",
  internalUrl: "http://internal",
  operatorsUrl: "http://operators",
  listen: { fd: 3 },
});
const open = (variables: Readonly<Record<string, string>> = {}) =>
  createProvisioning({ config: config(), masterKey: Buffer.alloc(32, 1), variables });
const revisionOf = (number: number, change: Partial<Manifest> = {}) => {
  const folder = join(home, String(number));
  for (const name of ["migrations", "platform-migrations"])
    mkdirSync(join(folder, name), { recursive: true });
  const manifest = { ...manifestOf(SERVICE), database: true, ...change };
  const id = `${SERVICE}-${number}`;
  return { id, service: SERVICE, number, digest: String(number), folder, manifest };
};

test("an instance's address of its database works, also for a control that comes later", async () => {
  const revision = revisionOf(1);
  await open().prepare(revision);
  const first = await open().environment(revision, "ins_1");
  const second = await open().environment(revision, "ins_2");
  expect(second["TIDEWAY_DATABASE_URL"]).toBe(first["TIDEWAY_DATABASE_URL"]);
  const url = first["TIDEWAY_DATABASE_URL"] ?? "";
  const pool = createPool({ url, connectionsMax: 1, applicationName: "test" });
  expect((await pool.query("select 1")).rowCount).toBe(1);
  await pool.end();
});

test("a revision that needs more connections may have them", async () => {
  const provisioning = open();
  await provisioning.environment(revisionOf(1, { connectionsMax: 4 }), "ins_1");
  await provisioning.prepare(revisionOf(2, { connectionsMax: 50 }));
  const found = await superuser.query<{ limit: number }>(
    `select rolconnlimit as limit from pg_roles where rolname = '${SERVICE}_login_a'`,
  );
  expect(found.rows[0]?.limit).toBe(150);
});

test("what the platform tells an instance cannot be replaced by control's own variables", async () => {
  const variables = { TIDEWAY_PUBLIC_URL: "http://elsewhere", TIDEWAY_SHOP_COLOUR: "red" };
  const configuration = Object.keys(variables);
  const told = await open(variables).environment(revisionOf(1, { configuration }), "ins_1");
  expect(told).toMatchObject({
    TIDEWAY_PUBLIC_URL: "http://public",
    TIDEWAY_SHOP_COLOUR: "red",
  });
});

test("a migration that fails is named, and nothing of it stays", async () => {
  const revision = revisionOf(3);
  writeFileSync(
    join(revision.folder, "migrations/0001_half.sql"),
    "create table half (); select 1/0;",
  );
  await expect(open().prepare(revision)).rejects.toMatchObject({
    code: "MIGRATION_FAILED",
    given: { file: "0001_half.sql", problem: "division by zero" },
  });
  const url = withDatabase(postgresUrl, `tideway_${SERVICE}`);
  const pool = createPool({ url, connectionsMax: 1, applicationName: "test" });
  const half = await pool.query("select to_regclass('half') as name");
  await pool.end();
  expect(half.rows[0]).toEqual({ name: null });
});
