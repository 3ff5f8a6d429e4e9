import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import type { BusAdmin, BusConfig } from "@tideway/bus";
import { fakeClock } from "@tideway/kernel";
import type { FakeClock } from "@tideway/kernel";
import { createLogger } from "@tideway/telemetry";
import { testDatabase } from "@tideway/testkit";
import type { TestDatabase } from "@tideway/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startRealBus } from "../test/real-bus.ts";
import type { RealBus } from "../test/real-bus.ts";
import { busAdmin } from "./bus-admin.ts";
import { createBusKeeper } from "./bus-keeper.ts";
import type { BusKeeper } from "./bus-keeper.ts";

const destination = new Writable({ write: (_, __, done) => done() });
const logger = createLogger({ service: "control", destination });
const wanted = (name: string): Omit<BusConfig, "epoch"> => ({
  services: [{ name, database: null, revisions: [] }],
});

let folder: string;
let socket: string;
let database: TestDatabase;
let admin: BusAdmin;
let clock: FakeClock;
let keeper: BusKeeper;
let bus: RealBus | null = null;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "tw-bus-"));
  socket = join(folder, "bus.sock");
  const migrations = join(import.meta.dirname, "../../migrations");
  database = await testDatabase({ service: "control", migrations });
  admin = busAdmin(socket);
  clock = fakeClock();
  keeper = createBusKeeper({ pool: database.pool, admin, clock, logger });
});
afterEach(async () => {
  await keeper.settled();
  admin.close();
  await bus?.close();
  bus = null;
  await database.close();
  rmSync(folder, { recursive: true });
});

const offer = async (name = "shop"): Promise<void> => {
  clock.advance(1_000);
  keeper.offer(wanted(name));
  await keeper.settled();
};
const present = (): BusConfig | null => bus?.bus.config.current ?? null;

test("a bus that is away is asked again, and gets what is wanted once it is there", async () => {
  await offer();
  expect(keeper.health).toBeNull();
  await expect(admin.groups()).rejects.toMatchObject({ code: "BUS_AWAY" });
  bus = await startRealBus(socket, logger);
  await offer();
  expect(present()).toMatchObject(wanted("shop"));
  await offer();
  expect(keeper.health).toEqual({ status: "ok", epoch: present()?.epoch });
});

test("what did not change is sent once; a change is sent at once, under a higher epoch", async () => {
  bus = await startRealBus(socket, logger);
  await offer();
  const first = present()?.epoch ?? 0;
  for (let i = 0; i < 3; i++) await offer();
  expect(present()?.epoch).toBe(first);
  keeper.offer(wanted("bakery"));
  await keeper.settled();
  expect(present()).toMatchObject(wanted("bakery"));
  expect(present()?.epoch).toBe(first + 1);
});

test("a bus that lost its configuration gets it again, and is missed within a second", async () => {
  bus = await startRealBus(socket, logger);
  await offer();
  await bus.close();
  keeper.offer(wanted("shop"));
  await keeper.settled();
  expect(keeper.health?.status).toBe("ok");
  await offer();
  expect(keeper.health).toBeNull();
  bus = await startRealBus(socket, logger);
  await offer();
  expect(present()).toMatchObject(wanted("shop"));
});

test("a database older than the bus does not stop configuring", async () => {
  bus = await startRealBus(socket, logger);
  await admin.putConfig({ ...wanted("bakery"), epoch: 4_000 });
  await offer();
  expect(present()).toMatchObject({ ...wanted("shop"), epoch: 4_001 });
});

test("what the bus refuses keeps its code", async () => {
  bus = await startRealBus(socket, logger);
  await offer();
  await expect(admin.redrive("nobody")).rejects.toMatchObject({ code: "GROUP_UNKNOWN" });
});
