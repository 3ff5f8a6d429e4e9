/** Real databases, the relay's own rights, real HTTP; the monotonic clock is moved by hand. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fakeClock, until } from "@tideway/kernel";
import { RELAY_ROLE, identifier } from "@tideway/store";
import type { Logger } from "@tideway/telemetry";
import { testDatabase } from "@tideway/testkit";
import type { TestDatabase } from "@tideway/testkit";
import { Client } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { BusService } from "../config.ts";
import { NEVER_WOKEN, OVERDUE_MS, WAKE_EVERY_MS, wakeStep, woken } from "./due-machine.ts";
import { startDueWatch } from "./due-watch.ts";
import type { DueWatch } from "./due-watch.ts";
import { platformCaller } from "./platform-call.ts";
import type { PlatformCaller } from "./platform-call.ts";

const woke: string[] = [];
let status = 200;
const server = createServer((request, response) => {
  woke.push(`${request.method} ${request.url} ${String(request.headers["tideway-instance"])}`);
  response.writeHead(status, { "content-type": "application/json" }).end('{"due":1}');
});
const logged: string[] = [];
const write = (event: string): void => void logged.push(event);
const logger: Logger = { debug: write, info: write, warn: write, error: write };

const clock = fakeClock();
const login = `relay_test_${randomBytes(5).toString("hex")}`;
let folder: string;
let database: TestDatabase;
let admin: Client;
let caller: PlatformCaller;
let watch: DueWatch;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A listening TCP server has an AddressInfo, never a string.
  const { port } = server.address() as AddressInfo;
  caller = platformCaller({ internalUrl: `http://127.0.0.1:${port}`, secret: "hush" });
  folder = mkdtempSync(join(tmpdir(), "tw-due-"));
  database = await testDatabase({ service: "shop", migrations: folder });
  admin = new Client({ connectionString: database.adminUrl });
  await admin.connect();
  await admin.query(
    `create role ${identifier(login)} login password 'relay' in role ${RELAY_ROLE}`,
  );
  // As a service's own migration would: the view reads with the rights of the tables' owner.
  await admin.query("set role shop_owner");
  await admin.query("create table work (due_at timestamptz not null)");
  await admin.query(`create or replace view tideway_due as
    select 'work'::text as kind, due_at from work`);
  await admin.query("reset role");
  const relayUrl = new URL(database.adminUrl);
  relayUrl.username = login;
  relayUrl.password = "relay";
  relayUrl.pathname = "/another";
  watch = startDueWatch({ relayUrl: relayUrl.href, caller, clock, logger, random: () => 0 });
  watch.configure([serviceOf("shop"), { ...serviceOf("stateless"), database: null }]);
});
afterAll(async () => {
  await watch.stop();
  await caller.close();
  await admin.query(`drop role ${identifier(login)}`);
  await admin.end();
  await database.close();
  rmSync(folder, { recursive: true });
  server.close();
});

function serviceOf(name: string): BusService {
  return { name, database: new URL(database.adminUrl).pathname.slice(1), revisions: [] };
}
const due = (seconds: number): Promise<unknown> =>
  admin.query("insert into work values (now() + make_interval(secs => $1))", [seconds]);
const untilWoken = (times: number): Promise<unknown> =>
  until(() => woke.length >= times, { deadlineMs: 10_000, what: `woken ${times} times` });
/** How often the relay has asked, by the database's own account. */
async function looks(): Promise<number> {
  const { rows } = await admin.query<{ at: Date }>(
    `select query_start as at from pg_stat_activity
     where usename = $1 and query like '%tideway_due%'`,
    [login],
  );
  return rows[0]?.at.getTime() ?? 0;
}
async function untilLookedTwice(): Promise<void> {
  for (let i = 0; i < 2; i++) {
    const before = await looks();
    await until(async () => (await looks()) > before, { deadlineMs: 10_000, what: "a look" });
  }
}

test("work that is overdue wakes its service, at most once in five seconds", async () => {
  await due(3_600);
  await untilLookedTwice();
  expect(woke).toEqual([]);
  await due(-10);
  await untilWoken(1);
  expect(woke).toEqual(["POST /api/shop/tideway/wake bus:hush"]);
  await untilLookedTwice();
  expect(woke.length).toBe(1);
  clock.advance(WAKE_EVERY_MS);
  await untilWoken(2);
});

test("a wake-up that failed is repeated, and a lost connection comes back", async () => {
  status = 503;
  clock.advance(WAKE_EVERY_MS);
  await untilWoken(3);
  status = 200;
  logged.length = 0;
  await admin.query("select pg_terminate_backend(pid) from pg_stat_activity where usename = $1", [
    login,
  ]);
  await until(() => logged.includes("due.unreadable"), { deadlineMs: 10_000, what: "it is told" });
  clock.advance(10_000);
  await untilWoken(4);
  expect(logged.filter((event) => event === "due.unreadable").length).toBe(1);
  expect(logged).toContain("due.readable-again");
});

test("a service gone from the configuration is left alone, with its connection", async () => {
  watch.configure([]);
  await until(async () => (await looks()) === 0, { deadlineMs: 10_000, what: "no connection" });
});

test("the decision: nothing due, one under way, one just now, and the next", () => {
  const work = { overdue: 3 };
  expect(wakeStep(NEVER_WOKEN, { overdue: 0 }, 0).wakes).toBe(false);
  const first = wakeStep(NEVER_WOKEN, work, 0);
  expect(first.wakes).toBe(true);
  expect(wakeStep(first.state, work, 10 * WAKE_EVERY_MS).wakes).toBe(false);
  const over = woken(first.state);
  expect(wakeStep(over, work, WAKE_EVERY_MS - 1).wakes).toBe(false);
  expect(wakeStep(over, work, WAKE_EVERY_MS).wakes).toBe(true);
  expect(OVERDUE_MS).toBe(2_000);
});
