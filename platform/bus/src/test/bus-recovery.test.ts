/** Crashes, fences, replays, events nobody can read, and the admin socket. */
import { isCoded, until } from "@tideway/kernel";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { busAdmin } from "../admin-client.ts";
import { configOf, databaseOf, startWorld } from "./bus-under-test.ts";
import type { World } from "./bus-under-test.ts";

const DEADLINE = { deadlineMs: 15_000 } as const;
const CHILD = fileURLToPath(new URL("./bus-process.ts", import.meta.url));

let world: World;
const children = new Set<ChildProcess>();
beforeEach(async () => {
  world = await startWorld();
});
afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  children.clear();
  expect(world.upstream.problems).toEqual([]);
  await world.close();
});

const applied = (): World["upstream"]["applied"] => world.upstream.applied;
const appliedAll = (count: number): Promise<unknown> =>
  until(() => applied().length >= count, { ...DEADLINE, what: `${count} events are applied` });

async function count(url: string, table: string): Promise<number> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ n: number }>(`select count(*)::int as n from ${table}`);
    return rows[0]?.n ?? -1;
  } finally {
    await client.end();
  }
}

test("killed between the log's commit and the delete, it appends all of it once", async () => {
  const first = await world.start();
  await first.configure(configOf(1, ["books-1"], databaseOf(world.producer)));
  await first.close();
  // Somebody holds the rows, so the delete waits while the log has committed.
  const ids = await world.publish(Array.from({ length: 30 }, (_, i) => `k-${i % 6}`));
  const holder = new Client({ connectionString: world.producer.adminUrl });
  await holder.connect();
  await holder.query("begin");
  await holder.query("select 1 from tideway.outbox for update");
  const child = startChild();
  await until(async () => (await count(world.busUrl, "log")) === 30, {
    ...DEADLINE,
    what: "the log has the events",
  });
  expect(await count(world.producer.adminUrl, "tideway.outbox")).toBe(30);
  child.kill("SIGKILL");
  await once(child, "exit");
  await holder.query("rollback");
  await holder.end();
  await world.start();
  await until(async () => (await count(world.producer.adminUrl, "tideway.outbox")) === 0, {
    ...DEADLINE,
    what: "the outbox is empty",
  });
  await appliedAll(30);
  expect(await count(world.busUrl, "log")).toBe(30);
  expect(
    applied()
      .map(({ event }) => event.id)
      .toSorted(),
  ).toEqual(ids.toSorted());
});

function startChild(): ChildProcess {
  const { busUrl, relayUrl, internalUrl, secret } = world.options();
  const child = spawn(process.execPath, [CHILD], {
    env: { ...process.env, BUS_OPTIONS: JSON.stringify({ busUrl, relayUrl, internalUrl, secret }) },
    stdio: ["ignore", "ignore", "inherit"],
  });
  children.add(child);
  return child;
}

test("of two buses the overtaken one is fenced and writes nothing any more", async () => {
  const first = await world.start();
  await first.configure(configOf(1, ["books-1"], databaseOf(world.producer)));
  const patient = { ownershipWaitMs: 0, takesOver: undefined };
  const refusal = await world.start(patient).catch((error: unknown) => error);
  expect(isCoded(refusal, "BUS_OWNED")).toBe(true);
  const second = await world.start();
  const refused = await first
    .configure(configOf(5, ["books-1"], databaseOf(world.producer)))
    .catch((error: unknown) => error);
  expect(isCoded(refused, "BUS_FENCED")).toBe(true);
  await until(() => first.lost.aborted, { ...DEADLINE, what: "the first one knows" });
  expect(second.health()).toMatchObject({ status: "ok", epoch: 1 });
});

test("a replay delivers what was delivered once more, under a number of its own", async () => {
  const bus = await world.start();
  await bus.configure(configOf(1, ["books-1"], databaseOf(world.producer)));
  const ids = await world.publish(["a", "b", "a", "c"]);
  await appliedAll(4);
  const minutes = Math.floor(Date.now() / 60_000);
  const first = await bus.replay("books", { from: "beginning" });
  // Higher than any that was given out before, also by a database that was lost.
  expect(first).toBeGreaterThanOrEqual(minutes);
  expect(first).toBeLessThan(minutes + 60);
  await appliedAll(8);
  expect(
    applied()
      .slice(4)
      .every(({ event }) => event.tidewayreplay === first),
  ).toBe(true);
  const order = applied()
    .slice(4)
    .filter(({ event }) => event.partitionkey === "a");
  expect(order.map(({ event }) => event.data.n)).toEqual([0, 2]);
  const second = await bus.replay("books", { from: { eventId: ids[2] ?? "" } });
  expect(second).toBeGreaterThan(first);
  await until(
    () => applied().some(({ event }) => event.tidewayreplay === second && event.id === ids[2]),
    {
      ...DEADLINE,
      what: "the named event is replayed",
    },
  );
  const unknown = await bus
    .replay("books", { from: { eventId: "evt_01jd3x7k9w4q5t8v2y6z0a1b3c" } })
    .catch((error: unknown) => error);
  expect(isCoded(unknown, "EVENT_NOT_IN_LOG")).toBe(true);
  await until(async () => (await count(world.busUrl, "flows")) === 1, {
    ...DEADLINE,
    what: "finished replays are forgotten",
  });
});

test("an event that nobody can read stops its own key, not its batch", async () => {
  const bus = await world.start({ tuning: { tryDelaysMs: [] } });
  await bus.configure(configOf(1, ["books-1"], databaseOf(world.producer)));
  world.upstream.unreadable = "broken";
  await world.publish(["x", "broken", "y", "broken", "z"]);
  await appliedAll(3);
  const quarantined = async () =>
    (await bus.keys("books", { state: "quarantined", after: "", limit: 10 })).items;
  await until(async () => (await quarantined())[0]?.waiting === 2, {
    ...DEADLINE,
    what: "the key is quarantined with what follows",
  });
  expect(await quarantined()).toMatchObject([{ key: "broken", code: "EVENT_BATCH_INVALID" }]);
});

test("control configures and looks over the socket, which nobody else may open", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tw-sock-"));
  const adminSocket = join(folder, "bus.sock");
  const bus = await world.start({ adminSocket });
  const admin = busAdmin(adminSocket);
  const codeOf = async (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => "none",
      (error: unknown) => (isCoded(error) ? error.code : String(error)),
    );
  try {
    expect(statSync(adminSocket).mode & 0o777).toBe(0o600);
    expect(await codeOf(admin.health())).toBe("BUS_NOT_CONFIGURED");
    const config = configOf(7, ["books-1"], databaseOf(world.producer));
    expect(await admin.putConfig(config)).toEqual({ epoch: 7 });
    expect(await codeOf(admin.putConfig({ ...config, epoch: 6 }))).toBe("BUS_EPOCH_STALE");
    expect(await codeOf(admin.putConfig({ ...config, epoch: -1 }))).toBe("BUS_CONFIG_INVALID");
    expect(await codeOf(admin.redrive("nobody"))).toBe("GROUP_UNKNOWN");
    expect(await codeOf(admin.redrive("books", "nothing"))).toBe("KEY_UNKNOWN");
    await world.publish(Array.from({ length: 25 }, (_, i) => `k-${i}`));
    await appliedAll(25);
    const first = await admin.events({ limit: 20 });
    const rest = await admin.events({ limit: 20, after: first.next ?? "" });
    expect(new Set([...first.items, ...rest.items].map(({ id }) => id)).size).toBe(25);
    expect((await admin.events({ key: "k-3" })).items).toMatchObject([{ key: "k-3" }]);
    await until(async () => (await admin.groups())[0]?.lag === 0, { ...DEADLINE, what: "no lag" });
    expect(await admin.metrics()).toContain('tideway_bus_applied_total{group="books"');
    // Gone from the configuration, it gets nothing more; back again, it goes on where it was.
    await admin.putConfig({ epoch: 8, services: config.services.slice(0, 1) });
    expect(await admin.groups()).toEqual([]);
    await world.publish(["late"]);
    await until(async () => (await count(world.busUrl, "log")) === 26, {
      ...DEADLINE,
      what: "log",
    });
    await admin.putConfig({ ...config, epoch: 9 });
    await appliedAll(26);
    expect(applied()).toHaveLength(26);
  } finally {
    admin.close();
    await bus.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

test("a database that would lose acknowledged events is refused", async () => {
  const refusal = await world.start({ isUnsafe: false }).catch((error: unknown) => error);
  // The tests' own server runs with fsync off.
  expect(isCoded(refusal, "BUS_NOT_DURABLE"), String(refusal)).toBe(true);
});
