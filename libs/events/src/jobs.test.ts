/** Jobs: a tick runs once, whoever is asked how often, and again when whoever ran it died. */
import { idToUuid, until } from "@tideway/kernel";
import { createLogger } from "@tideway/telemetry";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createJobRunner } from "./jobs.ts";
import type { Job } from "./jobs.ts";
import { prune } from "./prune.ts";
import { shopErrors } from "./test/shop-api.ts";
import { openStock, order } from "./test/stock-under-test.ts";
import type { Stock } from "./test/stock-under-test.ts";

let stock: Stock;
let act: Job;
let minute = 0;
let tick: string;
beforeAll(async () => {
  stock = await openStock({ jobs: { count: (context) => act(context) } });
});
afterAll(() => stock.close());
beforeEach(() => {
  act = async () => {};
  tick = new Date(Date.UTC(2026, 0, 1, 0, minute++)).toISOString();
});

async function run(job = "count", as: { readonly caller: string } = { caller: "bus" }) {
  const answer = await stock.service.fetchAs(as)(`http://service/tideway/jobs/${job}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ tick }),
  });
  const body = (await answer.json()) as { outcome?: string; code?: string };
  return body.outcome ?? body.code;
}
/** What the row of the present tick says. */
const isLeased = async (): Promise<boolean> => {
  const found = await stock.admin.query(
    `select from tideway.job_ticks
     where tick = $1 and finished_at is null and lease_until > clock_timestamp()`,
    [tick],
  );
  return found.rowCount === 1;
};
/** As if whoever holds the lease had died a while ago. */
const expire = () =>
  stock.admin.query(
    "update tideway.job_ticks set lease_until = clock_timestamp() where tick = $1",
    [tick],
  );

test("runs once, and says so when it is asked again", async () => {
  const ticks: string[] = [];
  act = async (context) => void ticks.push(context.tick);
  expect([await run(), await run(), await run()]).toEqual(["ran", "ran-before", "ran-before"]);
  expect(ticks).toEqual([tick]);
});

test("runs once when two instances are asked at once; the other is told to ask again", async () => {
  const gate = Promise.withResolvers<void>();
  let runs = 0;
  const other = createJobRunner({
    pool: stock.database.pool,
    logger: createLogger({ service: "stock", destination: { write: () => {} } }),
    jobs: {
      count: async () => {
        runs++;
        await gate.promise;
      },
    },
  });
  act = async () => {
    runs++;
    await gate.promise;
  };
  const signal = new AbortController().signal;
  const asked = Array.from({ length: 8 }, (_, i) =>
    i % 2 === 0
      ? run()
      : other({ job: "count", tick, signal }).catch((error: unknown) =>
          error instanceof Error ? Reflect.get(error, "code") : error,
        ),
  );
  await until(() => runs > 0, { deadlineMs: 5_000, what: "it runs" });
  const refused = Promise.withResolvers<void>();
  let ended = 0;
  for (const one of asked) {
    void one.then(() => {
      ended++;
      if (ended === 7) refused.resolve();
    });
  }
  await refused.promise;
  gate.resolve();
  const answers = await Promise.all(asked);
  expect(answers.filter((one) => one === "ran")).toHaveLength(1);
  expect(answers.filter((one) => one === "JOB_RUNNING")).toHaveLength(7);
  expect(runs).toBe(1);
});

test("runs again at once after it failed, and tells how", async () => {
  let runs = 0;
  act = async () => {
    runs++;
    if (runs === 1) throw new Error("no paper");
    if (runs === 2) throw shopErrors.error("STOCK_MISSING", { given: { order: "a" } });
  };
  expect([await run(), await run()]).toEqual(["JOB_FAILED", "STOCK_MISSING"]);
  expect([await run(), await run()]).toEqual(["ran", "ran-before"]);
});

test("of an instance that died runs again when the lease is over, not before", async () => {
  const gate = Promise.withResolvers<void>();
  act = () => gate.promise;
  const first = run();
  await until(isLeased, { deadlineMs: 5_000, what: "it is leased" });
  expect(await run()).toBe("JOB_RUNNING");
  await expire();
  act = async () => {};
  expect(await run()).toBe("ran");
  gate.resolve();
  await first;
  expect(await run()).toBe("ran-before");
  expect(stock.service.logLines.some((line) => line.includes("job.lease-lost"))).toBe(true);
});

test("a failure that comes after the lease was lost does not free the next one's", async () => {
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let runs = 0;
  act = () => gates[runs++]?.promise ?? Promise.resolve();
  const first = run();
  await until(isLeased, { deadlineMs: 5_000, what: "the first one leases it" });
  await expire();
  const second = run();
  await until(isLeased, { deadlineMs: 5_000, what: "the second one leases it" });
  gates[0]?.reject(new Error("too late"));
  expect(await first).toBe("JOB_FAILED");
  expect(await isLeased()).toBe(true);
  gates[1]?.resolve();
  expect(await second).toBe("ran");
});

test("an unknown job, a wrong tick and a foreign caller are refused", async () => {
  expect(await run("eat")).toBe("JOB_UNKNOWN");
  expect(await run("constructor")).toBe("JOB_UNKNOWN");
  expect(await run("count", { caller: "payments" })).toBe("CALLER_FORBIDDEN");
  tick = "yesterday";
  expect(await run()).toBe("BODY_INVALID");
});

test("old events and ticks are forgotten, the others are not", async () => {
  const events = Array.from({ length: 20 }, (_, i) => order(`k${i}`));
  await stock.deliver(events);
  await stock.admin.query(
    "update tideway.inbox set received_at = now() - interval '31 days' where event_id = any($1)",
    [events.slice(0, 12).map(({ id }) => idToUuid("evt", id))],
  );
  await stock.admin.query("delete from tideway.job_ticks");
  await stock.admin.query(
    `insert into tideway.job_ticks (job, tick, lease_until)
     select 'count', now() - make_interval(days => d), now() from generate_series(6, 9) as d`,
  );
  // Twelve events, and the ticks that are 7 days old or older.
  expect(await prune(stock.database.pool)).toBe(15);
  expect(await stock.known(events)).toBe(8);
  const ticks = await stock.admin.query("select from tideway.job_ticks");
  expect(ticks.rowCount).toBe(1);
  expect(await prune(stock.database.pool)).toBe(0);
});
