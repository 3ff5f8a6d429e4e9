import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { migrate, provisionDatabase, withDatabase } from "@tideway/store";
import { Client } from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { busFileOf, prepareBusDatabase } from "./bus-database.ts";

const postgresUrl = process.env["TIDEWAY_TEST_POSTGRES_URL"] ?? "";
let home: string;
let name: string;
let relayLogin: string;
const made: string[] = [];
const roles: string[] = [];

const ask = async (url: string, sql: string): Promise<unknown[]> => {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
};
const prepare = () => prepareBusDatabase({ home, postgresUrl, name, relayLogin });

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "tw-bus-db-"));
  name = `bus${randomBytes(4).toString("hex")}`;
  relayLogin = `${name}_relay`;
});
afterEach(async () => {
  rmSync(home, { recursive: true });
  for (const database of [`tideway_${name}`, ...made.splice(0)]) {
    await ask(postgresUrl, `drop database if exists ${database} with (force)`);
  }
  const own = [`${name}_login`, relayLogin, `${name}_owner`, `${name}_app`, ...roles.splice(0)];
  for (const role of own) await ask(postgresUrl, `drop role if exists ${role}`);
});

test("the bus owns its database, and its file is for nobody else", async () => {
  const { busUrl } = await prepare();
  expect(JSON.parse(readFileSync(busFileOf(home), "utf8"))).toMatchObject({ busUrl });
  expect(statSync(busFileOf(home)).mode & 0o777).toBe(0o600);
  const folder = mkdtempSync(join(home, "migrations-"));
  writeFileSync(join(folder, "0001_log.sql"), "create schema bus; create table bus.log (id int);");
  expect(await migrate({ url: busUrl, folder })).toEqual(["0001_log.sql"]);
  expect(await ask(busUrl, "select count(*) from bus.log")).toEqual([{ count: "0" }]);
});

test("passwords that work are kept, also when it is done twice at once", async () => {
  const first = await prepare();
  expect(await prepare()).toEqual(first);
  const again = await Promise.all([prepare(), prepare()]);
  expect(again).toEqual([first, first]);
});

test("a password that no longer works, and a broken file, are replaced", async () => {
  const first = await prepare();
  await ask(postgresUrl, `alter role ${name}_login password 'other'`);
  const second = await prepare();
  expect(second.busUrl).not.toBe(first.busUrl);
  expect(second.relayUrl).toBe(first.relayUrl);
  expect(await ask(second.busUrl, "select 1 as one")).toEqual([{ one: 1 }]);
  writeFileSync(busFileOf(home), "{");
  const third = await prepare();
  expect(await ask(third.relayUrl, "select 1 as one")).toEqual([{ one: 1 }]);
});

test("the relay takes from a service's outbox, and sees nothing else of it", async () => {
  const service = `${name}s`;
  made.push(`tideway_${service}`);
  roles.push(`${service}_owner`, `${service}_app`);
  const database = await provisionDatabase({
    adminUrl: postgresUrl,
    service,
    connectionsMax: 4,
  });
  const folder = mkdtempSync(join(home, "migrations-"));
  writeFileSync(join(folder, "0001_own.sql"), "create table secrets (id int);");
  const platformFolder = join(import.meta.dirname, "../../../../libs/store/platform-migrations");
  await migrate({
    url: database.adminUrl,
    folder,
    platformFolder,
    ownerRole: database.ownerRole,
  });
  const { relayUrl, busUrl } = await prepare();
  const url = withDatabase(relayUrl, database.database);
  expect(await ask(url, "select count(*) from tideway.outbox")).toEqual([{ count: "0" }]);
  expect(await ask(url, "select count(*) from tideway_due")).toEqual([{ count: "0" }]);
  await expect(ask(url, "select * from secrets")).rejects.toMatchObject({ code: "42501" });
  await expect(ask(url, "select * from tideway.inbox")).rejects.toMatchObject({ code: "42501" });
  // The bus itself has no business there.
  const other = withDatabase(busUrl, database.database);
  await expect(ask(other, "select 1")).rejects.toMatchObject({ code: "42501" });
});
