import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { testDatabase } from "@tideway/testkit";
import type { TestDatabase } from "@tideway/testkit";
import {
  CommitRefused,
  allowConnections,
  createPool,
  databaseFailure,
  migrate,
  provisionDatabase,
  sqlState,
  tx,
  violatedConstraint,
} from "./index.ts";
import type { Pool } from "./index.ts";

let database: TestDatabase;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tw-migrations-"));
  writeFileSync(
    join(folder, "0001_things.sql"),
    `create table things (id int primary key, constraint small check (id < 100));
     create table facts (id int primary key);
     grant select, insert, update, delete on things to shop_app;
     grant select, insert on facts to shop_app;`,
  );
  database = await testDatabase({ service: "shop", migrations: folder });
});
afterAll(async () => {
  await database.close();
  rmSync(folder, { recursive: true });
});
const again = () => migrate({ url: database.adminUrl, folder, ownerRole: "shop_owner" });
const count = async (): Promise<number> =>
  (await database.pool.query<{ n: number }>("select count(*)::int as n from things")).rows[0]?.n ??
  -1;

describe("tx", () => {
  test("commits what went well and rolls back what threw", async () => {
    await tx(database.pool, (t) => t.query("insert into things values (1)"));
    await expect(
      tx(database.pool, async (t) => {
        await t.query("insert into things values (2)");
        throw new Error("changed my mind");
      }),
    ).rejects.toThrow("changed my mind");
    expect(await count()).toBe(1);
  });

  test("a swallowed failure inside does not pass for a commit", async () => {
    const attempt = tx(database.pool, async (t) => {
      await t.query("insert into things values (3)");
      await t.query("insert into things values (1)").catch(() => {});
    });
    await expect(attempt).rejects.toBeInstanceOf(CommitRefused);
    expect(await count()).toBe(1);
  });

  test("a serialization failure is tried again", async () => {
    let runs = 0;
    await tx(
      database.pool,
      async (t) => {
        runs++;
        await t.query("select count(*) from things");
        if (runs === 1) {
          await tx(database.pool, (other) => other.query("update things set id = id"), {
            isolation: "serializable",
          });
        }
        await t.query("update things set id = id");
      },
      { isolation: "serializable" },
    );
    expect(runs).toBe(2);
  });

  test("a constraint is named", async () => {
    const error: unknown = await database.pool
      .query("insert into things values (100)")
      .catch((reason: unknown) => reason);
    expect(violatedConstraint(error)).toBe("small");
    expect(sqlState(error)).toBe("23514");
  });
});

describe("migrations", () => {
  test("run once, also when two start together", async () => {
    writeFileSync(join(folder, "0002_more.sql"), "create table more (id int);");
    const both = await Promise.all([again(), again()]);
    expect(both.flat()).toEqual(["0002_more.sql"]);
    expect(await again()).toEqual([]);
  });

  test("an altered file is refused", async () => {
    writeFileSync(join(folder, "0002_more.sql"), "create table more (id bigint);");
    await expect(again()).rejects.toMatchObject({ code: "MIGRATION_ALTERED" });
    writeFileSync(join(folder, "0002_more.sql"), "create table more (id int);");
  });

  test("a failing file leaves nothing behind and is named", async () => {
    writeFileSync(join(folder, "0003_bad.sql"), "create table half (id int); select 1/0;");
    await expect(again()).rejects.toMatchObject({
      code: "MIGRATION_FAILED",
      given: { file: "0003_bad.sql" },
    });
    rmSync(join(folder, "0003_bad.sql"));
    const half = await database.pool.query("select to_regclass('half') as name");
    expect(half.rows[0]).toEqual({ name: null });
  });

  test("a migration waits 2 s for a lock, not longer, and then fails whole", async () => {
    writeFileSync(join(folder, "0003_locked.sql"), "alter table things add column extra int;");
    const holder = await database.pool.connect();
    await holder.query("begin");
    await holder.query("select * from things for update");
    await expect(
      migrate({ url: database.adminUrl, folder, ownerRole: "shop_owner", lockTimeoutMs: 100 }),
    ).rejects.toMatchObject({ code: "MIGRATION_FAILED" });
    await holder.query("rollback");
    holder.release();
    expect(await again()).toEqual(["0003_locked.sql"]);
  });

  test("of two runners at once one is told that the other is under way", async () => {
    const holder = await database.pool.connect();
    await holder.query("select pg_advisory_lock(hashtext('tideway migrations'))");
    const attempt = migrate({ url: database.adminUrl, folder, lockTimeoutMs: 100 });
    await expect(attempt).rejects.toMatchObject({ code: "MIGRATION_BUSY" });
    await holder.query("select pg_advisory_unlock_all()");
    holder.release();
  });

  test("a statement without an end is cancelled, and its file undone", async () => {
    writeFileSync(join(folder, "0004_endless.sql"), "create table slow (); select pg_sleep(60);");
    const bounded = { url: database.adminUrl, folder, ownerRole: "shop_owner" };
    await expect(migrate({ ...bounded, statementTimeoutMs: 100 })).rejects.toMatchObject({
      code: "MIGRATION_FAILED",
      given: { file: "0004_endless.sql" },
    });
    rmSync(join(folder, "0004_endless.sql"));
    const slow = await database.pool.query("select to_regclass('slow') as name");
    expect(slow.rows[0]).toEqual({ name: null });
  });

  test("a wrong name is refused", async () => {
    writeFileSync(join(folder, "4_wrong.sql"), "select 1;");
    await expect(again()).rejects.toMatchObject({ code: "MIGRATION_NAME_INVALID" });
    rmSync(join(folder, "4_wrong.sql"));
  });
});

describe("connection limits", () => {
  const limits = async (database: string, login: string) => {
    const found = await admin.query<{ limits: number[] }>(
      `select array[datconnlimit, rolconnlimit] as limits from pg_database, pg_roles
       where datname = $1 and rolname = $2`,
      [database, login],
    );
    return found.rows[0]?.limits;
  };
  let admin: Pool;
  beforeAll(() => {
    admin = createPool({ url: database.adminUrl, connectionsMax: 1, applicationName: "limits" });
  });
  afterAll(() => admin.end());

  test("grow with a revision that needs more and do not shrink under one that serves", async () => {
    const url = new URL(database.url);
    const [name, login] = [url.pathname.slice(1), url.username];
    const adminUrl = database.adminUrl;
    const allow = async (connectionsMax: number): Promise<void> => {
      await provisionDatabase({ adminUrl, service: "shop", database: name, connectionsMax });
      await allowConnections({ adminUrl, login, connectionsMax });
    };
    await allow(60);
    expect(await limits(name, login)).toEqual([70, 60]);
    await allow(5);
    expect(await limits(name, login)).toEqual([70, 60]);
  });
});

describe("what a failure means", () => {
  test("a server that is not there, or goes, may be asked again; a wrong statement may not", async () => {
    const away = createPool({
      url: "postgresql://nobody:none@localhost/none?host=/nowhere",
      connectionsMax: 1,
      applicationName: "test",
    });
    const unreached: unknown = await away.query("select 1").catch((error: unknown) => error);
    await away.end();
    expect(databaseFailure(unreached, "shop")).toMatchObject({ code: "UPSTREAM_UNAVAILABLE" });
    const wrong: unknown = await database.pool.query("selec").catch((error: unknown) => error);
    expect(databaseFailure(wrong, "shop")).toBe(wrong);
    const client = await database.pool.connect();
    const ended: unknown = await client
      .query("select pg_terminate_backend(pg_backend_pid())")
      .catch((error: unknown) => error);
    client.release(true);
    expect(databaseFailure(ended, "shop")).toMatchObject({ code: "UPSTREAM_UNAVAILABLE" });
  });
});

describe("roles", () => {
  test("the service cannot change what it was only granted to add to", async () => {
    await database.pool.query("insert into facts values (1)");
    await expect(database.pool.query("update facts set id = 2")).rejects.toThrow(
      "permission denied",
    );
    await expect(database.pool.query("delete from facts")).rejects.toThrow("permission denied");
    await expect(database.pool.query("drop table things")).rejects.toThrow("must be owner");
  });

  test("another service's login cannot connect", async () => {
    const other = await testDatabase({ service: "other" });
    const url = new URL(other.url);
    url.pathname = new URL(database.url).pathname;
    const pool = createPool({ url: url.href, connectionsMax: 1, applicationName: "thief" });
    await expect(pool.query("select 1")).rejects.toThrow("permission denied for database");
    await pool.end();
    await other.close();
  });
});

test("statements with values are prepared once a connection, the others are not", async () => {
  const client = await database.pool.connect();
  try {
    for (let i = 0; i < 3; i++) await client.query("select $1::int as prepared_here", [i]);
    await client.query("select 1 as not_prepared_here");
    const prepared = await client.query<{ statement: string }>(
      "select statement from pg_prepared_statements where statement like '%prepared_here%'",
    );
    expect(prepared.rows).toEqual([{ statement: "select $1::int as prepared_here" }]);
  } finally {
    client.release();
  }
});
