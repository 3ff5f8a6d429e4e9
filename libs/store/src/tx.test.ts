/** Acts after a commit: once, when nobody can roll back any more, and only then. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { testDatabase } from "@tideway/testkit";
import type { TestDatabase } from "@tideway/testkit";
import { until } from "@tideway/kernel";
import { CommitRefused, afterCommit, collectAfterCommit, createPool, tx } from "./index.ts";
import type { Pool, Transaction } from "./index.ts";

let database: TestDatabase;
let admin: Pool;
beforeAll(async () => {
  database = await testDatabase({ service: "shop" });
  admin = createPool({ url: database.adminUrl, connectionsMax: 2, applicationName: "test" });
  await admin.query("create table things (id int primary key)");
  await admin.query("grant select, insert, update on things to shop_app");
});
afterAll(async () => {
  await admin.end();
  await database.close();
});

test("run in order when the rows are there for others and the connection is free", async () => {
  const seen: string[] = [];
  const one = createPool({ url: database.url, connectionsMax: 1, applicationName: "one" });
  const looked = Promise.withResolvers<number>();
  await tx(one, async (t) => {
    afterCommit(t, () => {
      seen.push("first");
      one
        .query("select from things where id = 1")
        .then((found) => looked.resolve(found.rowCount ?? 0), looked.reject);
    });
    afterCommit(t, () => seen.push("second"));
    await t.query("insert into things values (1)");
    expect(seen).toEqual([]);
  });
  expect(seen).toEqual(["first", "second"]);
  expect(await looked.promise).toBe(1);
  await one.end();
});

test("do not run after a rollback, a refused commit or a lost connection", async () => {
  const ran: string[] = [];
  const attempt = (name: string, act: (t: Transaction) => Promise<unknown>) =>
    tx(database.pool, async (t) => {
      afterCommit(t, () => ran.push(name));
      await act(t);
    });
  const thrown = attempt("thrown", () => Promise.reject(new Error("changed my mind")));
  await expect(thrown).rejects.toThrow("changed my mind");
  const refused = attempt("refused", (t) => t.query("selec").catch(() => {}));
  await expect(refused).rejects.toBeInstanceOf(CommitRefused);
  const lost = attempt("lost", (t) => t.query("select pg_terminate_backend(pg_backend_pid())"));
  await expect(lost).rejects.toThrow("terminating connection");
  await tx(database.pool, (t) => t.query("select 1"));
  expect(ran).toEqual([]);
});

test("run once for a transaction that had to be run again", async () => {
  let runs = 0;
  let acts = 0;
  await tx(
    database.pool,
    async (t) => {
      runs++;
      afterCommit(t, () => acts++);
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
  expect([runs, acts]).toEqual([2, 1]);
});

test("one that throws neither undoes the commit nor stops the others", async () => {
  const warnings: string[] = [];
  const listen = (warning: Error): void => void warnings.push(warning.message);
  process.on("warning", listen);
  let after = 0;
  const answer = await tx(database.pool, async (t) => {
    afterCommit(t, () => {
      throw new Error("no relay");
    });
    afterCommit(t, () => after++);
    return (await t.query("insert into things values (4)")).rowCount;
  });
  expect([answer, after]).toEqual([1, 1]);
  await until(() => warnings.includes("no relay"), { deadlineMs: 5_000, what: "it is told" });
  process.off("warning", listen);
});

test("are refused outside a transaction, also where one has just ended", async () => {
  const client = await database.pool.connect();
  expect(() => afterCommit(client, () => {})).toThrow("under way");
  client.release();
  const ended = await tx(database.pool, async (t) => t);
  expect(() => afterCommit(ended, () => {})).toThrow("under way");
});

test("who commits by hand runs them by hand", async () => {
  const client = await database.pool.connect();
  const ran: string[] = [];
  const run = collectAfterCommit(client);
  await client.query("begin");
  afterCommit(client, () => ran.push("ran"));
  await client.query("commit");
  client.release();
  expect(ran).toEqual([]);
  run();
  expect(ran).toEqual(["ran"]);
});

test("what is begun without waiting runs in its order, and nothing behind a failure", async () => {
  const ran: string[] = [];
  const insert = (t: Transaction, id: number) =>
    t.query("insert into things values ($1)", [id]).then(
      () => ran.push(`${id}`),
      (error: unknown) => {
        ran.push(`${id} failed`);
        throw error;
      },
    );
  const together = (...ids: readonly number[]) =>
    tx(database.pool, (t) => Promise.all(ids.map((id) => insert(t, id))));
  await together(11, 12, 13);
  // The second is there already: the third finds the transaction failed.
  await expect(together(14, 12, 15)).rejects.toMatchObject({ code: "23505" });
  expect(ran).toEqual(["11", "12", "13", "14", "12 failed", "15 failed"]);
  const found = await admin.query("select id from things where id between 11 and 19 order by id");
  expect(found.rows.map(({ id }: { id: number }) => id)).toEqual([11, 12, 13]);
});
