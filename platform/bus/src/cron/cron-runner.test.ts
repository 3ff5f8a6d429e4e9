/** Jobs over real HTTP with the rows in a real database; the clock alone is not real. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { readFile } from "node:fs/promises";
import { fakeClock, until } from "@tideway/kernel";
import type { FakeClock } from "@tideway/kernel";
import type { Logger } from "@tideway/telemetry";
import { testDatabase } from "@tideway/testkit";
import type { TestDatabase } from "@tideway/testkit";
import { createPool } from "@tideway/store";
import type { Pool } from "@tideway/store";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { BusService } from "../config.ts";
import { platformCaller } from "../due/platform-call.ts";
import type { PlatformCaller } from "../due/platform-call.ts";
import { startCron } from "./cron-runner.ts";
import type { CronRunner } from "./cron-runner.ts";

interface Asked {
  readonly url: string;
  readonly instance: string;
  readonly tick: string;
}
let asked: Asked[] = [];
let answer: () => readonly [number, unknown];
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const { tick } = JSON.parse(Buffer.concat(chunks).toString()) as { tick: string };
    const instance = String(request.headers["tideway-instance"]);
    asked.push({ url: request.url ?? "", instance, tick });
    const [status, body] = answer();
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
});

const ignore = (): void => {};
const logger: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
const shop = (cron: Readonly<Record<string, string>>): BusService => ({
  name: "shop",
  database: null,
  revisions: [
    { id: "shop-1", consumes: [], emits: [], cron },
    { id: "shop-2", consumes: [], emits: [], cron: { ofTheCandidate: "* * * * *" } },
  ],
});

let database: TestDatabase;
let pool: Pool;
let caller: PlatformCaller;
let clock: FakeClock;
let cron: CronRunner;
const start = (): Promise<CronRunner> =>
  startCron({ database: pool, caller, clock, logger, random: () => 0 });

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A listening TCP server has an AddressInfo, never a string.
  const { port } = server.address() as AddressInfo;
  caller = platformCaller({ internalUrl: `http://127.0.0.1:${port}`, secret: "hush" });
  database = await testDatabase({ service: "bus" });
  pool = createPool({ url: database.adminUrl, connectionsMax: 4, applicationName: "test" });
  const file = new URL("../../migrations/0002_cron.sql", import.meta.url);
  await pool.query(await readFile(file, "utf8"));
});
beforeEach(async () => {
  asked = [];
  answer = () => [200, { outcome: "ran" }];
  await pool.query("delete from cron_jobs");
  clock = fakeClock(Date.UTC(2026, 0, 1, 7, 30));
  cron = await start();
});
afterEach(() => cron.stop());
afterAll(async () => {
  await caller.close();
  await pool.end();
  await database.close();
  server.close();
});

/** Moves the clock and lets the runner look until a condition holds. */
function untilTrue(what: string, condition: () => boolean | Promise<boolean>): Promise<unknown> {
  return until(
    async () => {
      cron.look();
      return condition();
    },
    { deadlineMs: 10_000, what },
  );
}
async function settledTick(): Promise<string | undefined> {
  const { rows } = await pool.query<{ at: Date }>("select settled_tick as at from cron_jobs");
  return rows[0]?.at.toISOString();
}
const untilSettled = (tick: string) =>
  untilTrue(`${tick} is settled`, async () => (await settledTick()) === tick);
const EIGHT = "2026-01-01T08:00:00.000Z";

test("a job of the stable revision runs at its tick, once, as the bus", async () => {
  cron.configure([shop({ remind: "0 8 * * *" })]);
  await untilSettled("2026-01-01T07:30:00.000Z");
  expect(asked).toEqual([]);
  clock.advance(30 * 60_000);
  await untilSettled(EIGHT);
  for (let i = 0; i < 20; i++) cron.look();
  expect(asked).toEqual([
    { url: "/api/shop/tideway/jobs/remind", instance: "bus:hush", tick: EIGHT },
  ]);
});

test("a bus that was away runs the latest missed tick alone, and none twice", async () => {
  cron.configure([shop({ remind: "0 8 * * *" })]);
  await untilSettled("2026-01-01T07:30:00.000Z");
  await cron.stop();
  clock.advance(3 * 86_400_000);
  cron = await start();
  cron.look();
  expect(asked, "nothing runs before the configuration is known").toEqual([]);
  cron.configure([shop({ remind: "0 8 * * *" })]);
  await untilSettled("2026-01-03T08:00:00.000Z");
  await cron.stop();
  cron = await start();
  cron.configure([shop({ remind: "0 8 * * *" })]);
  for (let i = 0; i < 20; i++) cron.look();
  expect(asked.map(({ tick }) => tick)).toEqual(["2026-01-03T08:00:00.000Z"]);
});

test("an outage and a failure are tried again until it ran", async () => {
  answer = () => {
    if (asked.length === 1) return [503, { code: "UPSTREAM_UNAVAILABLE" }];
    if (asked.length === 2) return [500, { code: "INTERNAL" }];
    if (asked.length === 3) return [200, { outcome: "what?" }];
    return [200, { outcome: "ran-before" }];
  };
  cron.configure([shop({ remind: "0 8 * * *" })]);
  await untilSettled("2026-01-01T07:30:00.000Z");
  clock.advance(30 * 60_000);
  await untilTrue("it ran", async () => {
    // The wait after a failure counts from when its answer was read, so time goes on meanwhile.
    clock.advance(1_000);
    return (await settledTick()) === EIGHT;
  });
  expect(asked.length).toBe(4);
  expect(new Set(asked.map(({ tick }) => tick))).toEqual(new Set([EIGHT]));
});

test("a job no longer declared is forgotten, one with a wrong expression left out", async () => {
  cron.configure([shop({ remind: "0 8 * * *", broken: "no such time" })]);
  await untilSettled("2026-01-01T07:30:00.000Z");
  cron.configure([]);
  await untilTrue("its row is gone", async () => (await settledTick()) === undefined);
  clock.advance(86_400_000);
  for (let i = 0; i < 20; i++) cron.look();
  expect(asked).toEqual([]);
});
