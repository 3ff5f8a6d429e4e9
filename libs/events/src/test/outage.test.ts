/** Handlers that hang or return late, and a database that is away: who is to blame for what. */
import { newId, until } from "@tideway/kernel";
import { identifier } from "@tideway/store";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openDoor } from "./database-door.ts";
import type { DatabaseDoor } from "./database-door.ts";
import { openStock, order, writeEffect } from "./stock-under-test.ts";
import type { Stock } from "./stock-under-test.ts";

/** Long enough for a handler that does its work on a busy machine. */
const HANDLER_MS = 800;
let stock: Stock;
let door: DatabaseDoor;
beforeAll(async () => {
  stock = await openStock({
    handlerMsMax: HANDLER_MS,
    through: async (url) => {
      door = await openDoor(url);
      return door.url;
    },
  });
});
afterAll(async () => {
  await stock.close();
  await door.close();
});
beforeEach(() => {
  stock.onPlaced = async () => {};
});

const some = (count: number) => Array.from({ length: count }, () => order(newId("k0")));
const effectOf = async (event: string): Promise<boolean> =>
  (await stock.effects()).some((one) => one.event === event);
/** Connections of the service that are inside a transaction. */
const openTransactions = async (): Promise<number> => {
  const found = await stock.admin.query(
    `select from pg_stat_activity where datname = current_database()
       and application_name like 'ins_%' and xact_start is not null`,
  );
  return found.rowCount ?? 0;
};

describe("a handler that takes too long", () => {
  test("and returns late commits nothing, and cannot write any more", async () => {
    const [a, slow, b] = some(3);
    const release = Promise.withResolvers<void>();
    const late = Promise.withResolvers<unknown>();
    const signals: boolean[] = [];
    stock.onPlaced = async (t, event, { signal }) => {
      if (event.id !== slow?.id) return;
      await t.query("insert into effects (event, replay) values ($1, 1)", [event.id]);
      await release.promise;
      signals.push(signal.aborted);
      await writeEffect(t, event.id, 2).then(late.resolve, late.resolve);
    };
    const answer = await stock.deliver([a, slow, b]);
    expect(answer.outcomes).toEqual(["applied", "failed", "applied"]);
    expect(answer.codes[1]).toBe("EVENT_HANDLER_TIMEOUT");
    expect(answer.failedHeader).toBe("1");
    release.resolve();
    expect(await late.promise).toBeInstanceOf(Error);
    expect(signals).toEqual([true]);
    expect(await effectOf(slow?.id ?? "")).toBe(false);
    expect(await stock.known([slow ?? { id: "" }])).toBe(0);
  });

  test("in a statement has it cancelled, and its locks are free at once", async () => {
    const [slow] = some(1);
    stock.onPlaced = async (t) => {
      await t.query("select pg_advisory_xact_lock(4242)");
      await t.query("select pg_sleep(60)");
    };
    expect((await stock.deliver([slow])).codes).toEqual(["EVENT_HANDLER_TIMEOUT"]);
    await until(async () => (await openTransactions()) === 0, {
      deadlineMs: 2_000,
      what: "no transaction is left",
    });
    const lock = await stock.admin.query<{ free: boolean }>(
      "select pg_try_advisory_lock(4242) as free",
    );
    expect(lock.rows[0]?.free).toBe(true);
  });

  test("is tried once a delivery, and later events of its key are not tried", async () => {
    const [slow] = some(1);
    const behind = order(slow?.partitionkey ?? "");
    const tried: string[] = [];
    stock.onPlaced = async (_, event) => {
      tried.push(event.id);
      if (event.id === slow?.id) await new Promise(() => {});
    };
    const answer = await stock.deliver([slow, behind, ...some(2)]);
    expect(answer.outcomes).toEqual(["failed", "skipped", "applied", "applied"]);
    expect(tried.filter((id) => id === slow?.id)).toHaveLength(1);
    expect(tried).not.toContain(behind.id);
  });
});

describe("a database that is away", () => {
  test("makes the whole delivery an outage: 503, nothing tried, all of it applied later", async () => {
    const events = some(5);
    await door.shut();
    const during = await stock.deliver(events);
    expect(during).toMatchObject({ status: 503, code: "UPSTREAM_UNAVAILABLE", outcomes: [] });
    expect(during.failedHeader).toBeNull();
    await door.open();
    expect(await stock.known(events)).toBe(0);
    expect((await stock.deliver(events)).outcomes).toEqual(Array(5).fill("applied"));
  });

  test("in the middle of a handler is no failed try, whatever the handler makes of it", async () => {
    const events = some(3);
    stock.onPlaced = async (t, event) => {
      if (event.id !== events[1]?.id) return;
      await door.shut();
      await t.query("select 1").catch(() => {
        throw new Error("the shelf broke");
      });
    };
    expect(await stock.deliver(events)).toMatchObject({ status: 503, outcomes: [] });
    await door.open();
    expect(await stock.known(events)).toBe(0);
    stock.onPlaced = async () => {};
    expect((await stock.deliver(events)).outcomes).toEqual(["applied", "applied", "applied"]);
  });

  test("at the commit leaves its end unknown; the next delivery tells", async () => {
    const [event] = some(1);
    const backends: number[] = [];
    stock.onPlaced = async (t) => {
      const found = await t.query<{ pid: number }>("select pg_backend_pid() as pid");
      backends.push(found.rows[0]?.pid ?? 0);
    };
    // A trigger at the commit waits for a lock; there the connection is cut.
    await stock.admin.query(
      `create function wait_for_lock() returns trigger language plpgsql as
         'begin perform pg_advisory_xact_lock(99); return null; end';
       create constraint trigger at_commit after insert on effects deferrable initially deferred
         for each row execute function wait_for_lock();`,
    );
    const holder = await stock.admin.connect();
    await holder.query("select pg_advisory_lock(99)");
    const answering = stock.deliver([event]);
    const isWaiting = async (): Promise<boolean> => {
      const found = await holder.query(
        "select from pg_locks where locktype = 'advisory' and not granted and pid = $1",
        [backends[0] ?? 0],
      );
      return found.rowCount === 1;
    };
    await until(isWaiting, { deadlineMs: 5_000, what: "the commit waits" });
    await door.shut();
    expect(await answering).toMatchObject({ status: 503, outcomes: [] });
    await holder.query("select pg_advisory_unlock(99)");
    holder.release();
    await door.open();
    await until(async () => (await openTransactions()) === 0, {
      deadlineMs: 5_000,
      what: "the server is done with the commit",
    });
    await stock.admin.query("drop trigger at_commit on effects");
    const wasCommitted = await effectOf(event?.id ?? "");
    const again = await stock.deliver([event]);
    expect(again.outcomes).toEqual([wasCommitted ? "duplicate" : "applied"]);
    const effects = (await stock.effects()).filter((one) => one.event === event?.id);
    expect(effects).toHaveLength(1);
  });

  test("that stands still is not taken for a slow handler", async () => {
    const events = some(2);
    stock.onPlaced = async (t) => {
      door.freeze();
      await t.query("select 1");
    };
    const answer = await stock.deliver(events);
    await door.open();
    expect(answer).toMatchObject({ status: 503, outcomes: [] });
    stock.onPlaced = async () => {};
    await until(async () => (await openTransactions()) === 0, {
      deadlineMs: 5_000,
      what: "what was stuck is through",
    });
    expect((await stock.deliver(events)).outcomes).toEqual(["applied", "applied"]);
  });

  test("nor is a full disk held against an event", async () => {
    const events = some(2);
    stock.onPlaced = (t) =>
      t.query("do $$ begin raise exception 'no space left' using errcode = '53100'; end $$");
    const answer = await stock.deliver(events);
    expect(answer).toMatchObject({ status: 503, code: "OVERLOADED", outcomes: [] });
    stock.onPlaced = async () => {};
    expect((await stock.deliver(events)).outcomes).toEqual(["applied", "applied"]);
  });

  test("nor is one that takes no more connections", async () => {
    const [login, events] = [new URL(stock.database.url).username, some(2)];
    const limit = (connections: number) =>
      stock.admin.query(`alter role ${identifier(login)} connection limit ${connections}`);
    await limit(0);
    await stock.admin.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where usename = $1",
      [login],
    );
    const during = await until(
      async () => {
        const answer = await stock.deliver(events);
        // The pool may notice only now that its idle connections are gone.
        return answer.code === "OVERLOADED" && answer;
      },
      { deadlineMs: 5_000, what: "no connection is to be had" },
    );
    expect(during).toMatchObject({ status: 503, outcomes: [] });
    await limit(30);
    expect((await stock.deliver(events)).outcomes).toEqual(["applied", "applied"]);
  });
});
