/**
 * What every carrier of the log must do, as one suite that both of them pass. It knows them by the
 * interface alone; a store under test says how to open a writer and how to crash it.
 */
import { randomUUID } from "node:crypto";
import { isCoded, until } from "@tideway/kernel";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Carrier, OutboxEvent, StoredEvent } from "../../carrier.ts";

export interface StoreUnderTest {
  /** A writer of the same log; the one opened last owns it. */
  open(): Promise<Carrier>;
  /** Breaks what is under way as hard as it can be broken, and brings the store back. */
  crash(): Promise<void>;
  close(): Promise<void>;
}

const RECOVERY_MS_MAX = 20_000;
const CRASHES = 3;

/** Runs the suite against stores that `start` makes, each with an empty log. */
export function carrierConformance(name: string, start: () => Promise<StoreUnderTest>): void {
  describe(`${name} as a carrier`, () => {
    let store: StoreUnderTest;
    let carrier: Carrier;
    beforeAll(async () => {
      store = await start();
      carrier = await store.open();
    });
    afterAll(async () => {
      await carrier.close();
      await store.close();
    });

    test("events are appended in order, with offsets from 1 and without gaps", async () => {
      expect(await carrier.heads()).toEqual(Array.from({ length: carrier.partitions }, () => 0));
      const events = many(300);
      const stored = [
        ...(await carrier.append(events.slice(0, 1))),
        ...(await carrier.append(events.slice(1))),
      ];
      expect(stored.map(withoutPlace)).toEqual(events);
      expectDense(stored);
      const heads = await carrier.heads();
      for (const [partition, group] of byPartition(stored)) {
        expect(heads[partition]).toBe(group.length);
        expect(await carrier.read(partition, 0, 1_000)).toEqual(group);
      }
    });

    test("a range is read from its beginning, as far as asked, not beyond the end", async () => {
      const stored = await carrier.append(many(20, "one-key"));
      const { partition = 0, offset: first = 0 } = stored[0] ?? {};
      expect(await carrier.read(partition, first - 1, 5)).toEqual(stored.slice(0, 5));
      expect(await carrier.read(partition, first + 2, 5)).toEqual(stored.slice(3, 8));
      expect(await carrier.read(partition, first + 17, 50)).toEqual(stored.slice(18));
      expect(await carrier.read(partition, first + 19, 50)).toEqual([]);
      expect(await carrier.read(partition, first + 900, 50)).toEqual([]);
    });

    test("the event that reaches the bytes asked for is a page's last one", async () => {
      const data = (size: number): string => JSON.stringify("é".repeat(size / 2 - 1));
      const sizes = [...Array.from({ length: 30 }, () => 1_000), 50_000, 1_000, 1_000];
      const stored = await carrier.append(sizes.map((size) => event("sized", data(size))));
      const { partition = 0, offset: first = 0 } = stored[0] ?? {};
      const page = async (from: number, limit: number, bytesMax: number): Promise<unknown> =>
        carrier.read(partition, first - 1 + from, limit, bytesMax);
      expect(await page(0, 100, 10_000)).toEqual(stored.slice(0, 10));
      expect(await page(0, 100, 9_999)).toEqual(stored.slice(0, 10));
      expect(await page(0, 4, 10_000)).toEqual(stored.slice(0, 4));
      expect(await page(30, 100, 1)).toEqual(stored.slice(30, 31));
      expect(await page(25, 100, 6_000)).toEqual(stored.slice(25, 31));
      expect(await page(0, 100, 1_000_000)).toEqual(stored);
    });

    test("any key and any data come back as they were", async () => {
      const odd = [
        "line\r\nbreak",
        "comma, colon: semi;",
        "ключ-鍵-🔑",
        " space ",
        "x".repeat(200),
      ];
      const events = odd.map((key, i) => event(key, JSON.stringify({ i, text: `a\n${key}"\\` })));
      const large = event("large", JSON.stringify({ text: "é".repeat(130_000) }));
      const traced = {
        ...event("traced"),
        traceparent: `00-${"1".repeat(32)}-${"2".repeat(16)}-01`,
      };
      const stored = await carrier.append([...events, large, traced]);
      for (const one of stored) {
        expect(await carrier.read(one.partition, one.offset - 1, 1)).toEqual([one]);
      }
      expect(stored.map(withoutPlace)).toEqual([...events, large, traced]);
    });

    test("an event that is there is not appended again, also after reopening", async () => {
      const events = many(10);
      const first = await carrier.append(events);
      const heads = await carrier.heads();
      expect(await carrier.append(events)).toEqual(first);
      await carrier.close();
      carrier = await store.open();
      const fresh = many(10);
      const mixed = events.flatMap((one, i) => [one, fresh[i] ?? one]);
      const again = await carrier.append(mixed);
      expect(again.filter((one) => events.some((e) => e.eventId === one.eventId))).toEqual(first);
      expect(again.map(withoutPlace)).toEqual(mixed);
      const after = await carrier.heads();
      expect(sum(after) - sum(heads)).toBe(fresh.length);
    });

    test("an event of long ago is recognised however long the log was away", async () => {
      const dayAgo = new Date(Date.now() - 86_400_000).toISOString();
      const events = many(30).map((one) => ({ ...one, at: dayAgo }));
      const first = await carrier.append(events);
      await carrier.close();
      carrier = await store.open();
      expect(await carrier.append(events)).toEqual(first);
      expect(await carrier.append(events.slice(10))).toEqual(first.slice(10));
    });

    test("of two writers the overtaken one is refused, and nothing of it is stored", async () => {
      await carrier.append(many(5, "contended"));
      const second = await store.open();
      const theirs = await second.append(many(5, "contended"));
      const mine = many(5, "contended");
      const refusal = await carrier.append(mine).catch((error: unknown) => error);
      expect(isCoded(refusal, "BUS_FENCED"), String(refusal)).toBe(true);
      const { partition = 0, offset = 0 } = theirs[0] ?? {};
      expect(await carrier.read(partition, offset - 1, 100)).toEqual(theirs);
      await carrier.close();
      carrier = second;
      expectDense(await readAll(carrier));
    });

    test("nothing acknowledged is lost when the store breaks down amid appends", async () => {
      const acknowledged = new Map<string, StoredEvent>();
      const counts = { appended: 0, failed: 0 };
      for (let round = 0; round < CRASHES; round++) {
        const before = counts.appended;
        const over = new AbortController();
        const appending = (async () => {
          while (!over.signal.aborted) {
            await appendUntilThere(many(50));
          }
        })();
        await until(() => counts.appended >= before + 200, { deadlineMs: 20_000, what: "appends" });
        const failuresBefore = counts.failed;
        // An append may be through just when its session is ended: then the crash met none.
        await until(
          async () => {
            await store.crash();
            return counts.failed > failuresBefore;
          },
          { deadlineMs: RECOVERY_MS_MAX, intervalMs: 20, what: "a crash meets an append" },
        );
        const crashedAt = counts.appended;
        await until(() => counts.appended >= crashedAt + 200, {
          deadlineMs: RECOVERY_MS_MAX,
          what: "appends go on after the crash",
        });
        over.abort();
        await appending;
      }
      const all = await readAll(carrier);
      expectDense(all);
      expect(new Set(all.map((one) => one.eventId)).size).toBe(all.length);
      const found = new Map(all.map((one) => [one.eventId, one]));
      for (const [id, one] of acknowledged) expect(found.get(id)).toEqual(one);

      async function appendUntilThere(events: readonly OutboxEvent[]): Promise<void> {
        await until(
          async () => {
            try {
              for (const one of await carrier.append(events)) acknowledged.set(one.eventId, one);
              counts.appended += events.length;
              return true;
            } catch (error) {
              counts.failed++;
              if (!isRetryable(error)) throw error;
              return false;
            }
          },
          { deadlineMs: RECOVERY_MS_MAX, what: "the events are in the log" },
        );
      }
    }, 120_000);

    test("the offset before a moment is found", async () => {
      const key = "timed";
      const [early] = await carrier.append(many(3, key));
      const before = Date.now();
      await until(() => Date.now() > before, { deadlineMs: 1_000, what: "the clock goes on" });
      const atMs = Date.now();
      const late = await carrier.append(many(3, key));
      const partition = early?.partition ?? 0;
      expect(await carrier.offsetBefore(partition, atMs)).toBe((late[0]?.offset ?? 0) - 1);
      expect(await carrier.offsetBefore(partition, 0)).toBe(0);
      expect(await carrier.offsetBefore(partition, atMs + 86_400_000)).toBe(late[2]?.offset);
    });

    test("the durability says what its settings give", async () => {
      const { sentence, isDurable, settings } = await carrier.durability();
      expect(sentence).toMatch(/\.$/);
      expect(typeof isDurable).toBe("boolean");
      expect(Object.keys(settings).length).toBeGreaterThan(0);
    });
  });
}

/** Events of 20 keys, or of one. */
export function many(count: number, key?: string): readonly OutboxEvent[] {
  return Array.from({ length: count }, (_, i) => event(key ?? `key-${i % 20}`));
}

function event(key: string, data = JSON.stringify({ n: Math.random() })): OutboxEvent {
  return {
    eventId: randomUUID(),
    source: "/services/shop",
    type: "shop.order.made.v1",
    key,
    data,
    traceparent: null,
    at: new Date().toISOString(),
  };
}

/** The whole log, partition by partition. */
export async function readAll(carrier: Carrier): Promise<readonly StoredEvent[]> {
  const all: StoredEvent[] = [];
  for (let partition = 0; partition < carrier.partitions; partition++) {
    for (let after = 0; ;) {
      const page = await carrier.read(partition, after, 500);
      all.push(...page);
      after = page.at(-1)?.offset ?? after;
      if (page.length === 0) break;
    }
  }
  return all;
}

function isRetryable(error: unknown): boolean {
  // A carrier tells an outage by a retryable code; PostgreSQL's by its own errors.
  return !isCoded(error) || error.definition.retryable;
}

function withoutPlace(stored: StoredEvent): OutboxEvent {
  const { eventId, source, type, key, data, traceparent, at } = stored;
  return { eventId, source, type, key, data, traceparent, at };
}

function byPartition(events: readonly StoredEvent[]): Map<number, StoredEvent[]> {
  return Map.groupBy(events, (one) => one.partition);
}

function expectDense(events: readonly StoredEvent[]): void {
  for (const [partition, group] of byPartition(events)) {
    const offsets = group.map((one) => one.offset);
    expect(offsets, `partition ${partition}`).toEqual(group.map((_, i) => i + 1));
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
