/** A bus on real databases: its own, and a producer's with the platform's tables. */
import { fakeClock, newId, systemClock, idToUuid } from "@tideway/kernel";
import type { FakeClock } from "@tideway/kernel";
import type { SplitView } from "@tideway/gateway";
import { identifier, literal, withDatabase } from "@tideway/store";
import { createLogger } from "@tideway/telemetry";
import { testDatabase } from "@tideway/testkit";
import type { TestDatabase } from "@tideway/testkit";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { startBus } from "../bus.ts";
import type { Bus, BusOptions } from "../bus.ts";
import type { BusConfig } from "../config.ts";
import { SECRET, startUpstream } from "./upstream.ts";
import type { Upstream } from "./upstream.ts";

export const TYPE = "shop.order.made.v1";
export const LOOSE = "shop.order.seen.v1";

export interface World {
  readonly upstream: Upstream;
  readonly producer: TestDatabase;
  readonly busUrl: string;
  readonly relayUrl: string;
  readonly clock: FakeClock;
  readonly logLines: readonly string[];
  /** What a started bus gets; a test changes what it is about. */
  options(change?: Partial<BusOptions>): BusOptions;
  start(change?: Partial<BusOptions>): Promise<Bus>;
  /** Publishes one event a key, in one transaction, numbered from `n` on. */
  publish(keys: readonly string[], more?: { type?: string; from?: number }): Promise<string[]>;
  close(): Promise<void>;
}

export function splitOf(change: Partial<SplitView> = {}): SplitView {
  const plain = { stable: "books-1", candidate: null, weight: 0, rollout: null, epoch: 1 };
  return { service: "books", ...plain, ...change };
}

/** The consuming service books, and shop that produces. */
export function configOf(epoch: number, revisions: readonly string[], database: string): BusConfig {
  const consumes = [
    { type: TYPE, order: "key" },
    { type: LOOSE, order: "none" },
  ] as const;
  return {
    epoch,
    services: [
      { name: "shop", database, revisions: [{ id: "shop-1", consumes: [], emits: [], cron: {} }] },
      {
        name: "books",
        database: null,
        revisions: revisions.map((id) => ({ id, consumes, emits: [], cron: {} })),
      },
    ],
  };
}

export async function startWorld(): Promise<World> {
  const empty = mkdtempSync(join(tmpdir(), "tw-bus-"));
  const producer = await testDatabase({ service: "shop", migrations: empty });
  const adminUrl = process.env["TIDEWAY_TEST_POSTGRES_URL"] ?? "";
  const suffix = randomBytes(5).toString("hex");
  const database = `test_bus_${suffix}`;
  const relay = `relay_${suffix}`;
  await asAdmin(adminUrl, async (admin) => {
    await admin.query(`create database ${identifier(database)}`);
    await admin.query(
      `create role ${identifier(relay)} login in role tideway_relay password ${literal("relay")}`,
    );
  });
  const relayUrl = new URL(adminUrl);
  relayUrl.username = relay;
  relayUrl.password = "relay";
  const upstream = await startUpstream(splitOf());
  const clock = fakeClock(Date.now());
  const logLines: string[] = [];
  const logger = createLogger({
    service: "bus",
    level: "debug",
    destination: { write: (line) => void logLines.push(line) },
  });
  const busUrl = withDatabase(adminUrl, database);
  const options = (change: Partial<BusOptions> = {}): BusOptions => ({
    busUrl,
    relayUrl: relayUrl.href,
    internalUrl: upstream.url,
    secret: SECRET,
    splits: () => upstream.splits(),
    clock: systemClock,
    logger,
    isUnsafe: true,
    random: () => 0.5,
    takesOver: true,
    ...change,
  });
  const running = new Set<Bus>();
  return {
    upstream,
    producer,
    busUrl,
    relayUrl: relayUrl.href,
    clock,
    logLines,
    options,
    start: async (change) => {
      const bus = await startBus(options(change));
      running.add(bus);
      return bus;
    },
    publish: (keys, more = {}) => publish(producer, keys, more),
    close: async () => {
      for (const bus of running) await bus.close();
      await upstream.close();
      await producer.close();
      await asAdmin(adminUrl, async (admin) => {
        await admin.query(`drop database ${identifier(database)} with (force)`);
        await admin.query(`drop role ${identifier(relay)}`);
      });
      rmSync(empty, { recursive: true, force: true });
    },
  };
}

async function publish(
  producer: TestDatabase,
  keys: readonly string[],
  { type = TYPE, from = 0 }: { type?: string; from?: number },
): Promise<string[]> {
  const ids = keys.map(() => newId("evt"));
  await producer.pool.query("select tideway.publish($1, $2, $3, $4, null)", [
    ids.map((id) => idToUuid("evt", id)),
    keys.map(() => type),
    keys,
    keys.map((_, index) => JSON.stringify({ n: from + index })),
  ]);
  await producer.pool.query("notify tideway_outbox");
  return ids;
}

/** The name of the producer's database, as control would send it. */
export function databaseOf(producer: TestDatabase): string {
  return new URL(producer.url).pathname.slice(1);
}

async function asAdmin(url: string, act: (admin: Client) => Promise<void>): Promise<void> {
  const admin = new Client({ connectionString: url });
  await admin.connect();
  try {
    await act(admin);
  } finally {
    await admin.end();
  }
}
