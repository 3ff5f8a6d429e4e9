/** The suite of all carriers on a real nats-server, and what is particular to JetStream. */
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { until } from "@tideway/kernel";
import type { Logger } from "@tideway/telemetry";
import { afterAll, beforeAll, expect, test } from "vitest";
import { carrierConformance, many, readAll } from "./carrier-conformance.ts";
import { natsCarrier } from "../nats-carrier.ts";
import { startNats } from "./nats-server-under-test.ts";
import type { NatsUnderTest } from "./nats-server-under-test.ts";

const lines: { level: string; event: string; fields: unknown }[] = [];
const write = (level: string) => (event: string, fields?: unknown) => {
  lines.push({ level, event, fields });
};
const logger: Logger = {
  debug: write("debug"),
  info: write("info"),
  warn: write("warn"),
  error: write("error"),
};

carrierConformance("NATS JetStream", async () => {
  const server = await startNats();
  return {
    open: () => natsCarrier({ servers: server.url, prefix: "suite", logger }),
    crash: async () => {
      await server.kill();
      await server.startAgain();
    },
    close: () => server.close(),
  };
});

let server: NatsUnderTest;
beforeAll(async () => {
  server = await startNats();
});
afterAll(() => server.close());

test("one server of this version says plainly that power may cost events", async () => {
  const options = { servers: server.url, monitorUrl: server.monitorUrl, prefix: "plain", logger };
  const carrier = await natsCarrier(options);
  const durability = await carrier.durability();
  expect(durability).toMatchObject({ isDurable: false, settings: { replicas: "1" } });
  expect(durability.sentence).toContain("may be lost by a loss of power");
  // Whoever opens it says so, once.
  expect(lines.filter(({ event }) => event === "bus.durability")).toEqual([]);
  await carrier.close();
});

test("ids beyond the server's window are found in the log", async () => {
  const windowMs = 100;
  const options = { servers: server.url, prefix: "window", logger, duplicateWindowMs: windowMs };
  const carrier = await natsCarrier(options);
  const events = many(700);
  const first = await carrier.append(events);
  await untilForgotten(windowMs);
  expect(await carrier.append(events.slice(600))).toEqual(first.slice(600));
  await carrier.close();
  const again = await natsCarrier(options);
  expect(await again.append(events.slice(0, 300))).toEqual(first.slice(0, 300));
  expect(await again.append(events)).toEqual(first);
  expect((await readAll(again)).length).toBe(events.length);
  await again.close();
});

/** Waits until the server takes an id for new that it was told after all those of the test. */
async function untilForgotten(windowMs: number): Promise<void> {
  const connection = await connect({ servers: server.url });
  const jsm = await jetstreamManager(connection);
  const duplicate_window = windowMs * 1_000_000;
  await jsm.streams.add({ name: "probe", subjects: ["probe"], duplicate_window });
  const isNew = async () =>
    !(await jsm.jetstream().publish("probe", "", { msgID: "id" })).duplicate;
  expect(await isNew()).toBe(true);
  await until(isNew, { deadlineMs: 10_000, what: "the server forgets an id" });
  await connection.close();
}

test("what every group has completed is pruned, and offsets go on", async () => {
  const carrier = await natsCarrier({ servers: server.url, prefix: "prune", logger });
  const stored = await carrier.append(many(10, "k"));
  const partition = stored[0]?.partition ?? 0;
  const completed = (offset: number) =>
    stored.slice(0, 8).map((_, p) => (p === partition ? offset : 0));
  const future = Date.now() + 60_000;
  expect(await carrier.prune(Date.now() - 60_000, completed(10))).toBe(0);
  expect(await carrier.prune(future, completed(4))).toBe(4);
  expect(await carrier.prune(future, completed(4))).toBe(0);
  expect(await carrier.read(partition, 0, 100)).toEqual(stored.slice(4));
  expect(await carrier.prune(future, completed(10))).toBe(6);
  expect((await carrier.heads())[partition]).toBe(10);
  expect(await carrier.read(partition, 0, 100)).toEqual([]);
  expect((await carrier.append(many(1, "k")))[0]?.offset).toBe(11);
  await carrier.close();
});

test("a stream that would drop events is refused", async () => {
  const connection = await connect({ servers: server.url });
  const jsm = await jetstreamManager(connection);
  await jsm.streams.add({ name: "bad-3", subjects: ["bad.log.3"], max_age: 60_000_000_000 });
  await connection.close();
  await expect(natsCarrier({ servers: server.url, prefix: "bad", logger })).rejects.toMatchObject({
    code: "CARRIER_MISCONFIGURED",
  });
});

test("a server that is not there is told as such", async () => {
  await expect(
    natsCarrier({ servers: "nats://127.0.0.1:9", prefix: "none", logger }),
  ).rejects.toMatchObject({ code: "CARRIER_UNAVAILABLE", definition: { retryable: true } });
});
