/** Which batches share a request, and that each gets its own part of the answer. */
import { expect, test } from "vitest";
import type { Batch, DeliverableEvent, Outcome } from "../machine/delivery-types.ts";
import { Outgoing, SHARED_MS_MAX } from "./outgoing.ts";
import type { BatchAnswer, Delivery } from "./transport.ts";

const EVENTS_MAX = 20;
const BYTES_MAX = 1_000;

/** Requests that are answered by hand, and a clock that is set by hand. */
class World {
  readonly requests: {
    readonly delivery: Delivery;
    readonly answer: (answer: BatchAnswer) => void;
  }[] = [];
  readonly answers: { readonly batch: Batch; readonly answer: BatchAnswer }[] = [];
  nowMs = 0;
  readonly outgoing = new Outgoing({
    deliver: (delivery) => new Promise((answer) => this.requests.push({ delivery, answer })),
    onAnswer: (batch, answer) => this.answers.push({ batch, answer }),
    clock: { monotonic: () => this.nowMs },
    eventsMax: EVENTS_MAX,
    bytesMax: BYTES_MAX,
  });

  /** Sends one event whose answer takes so long. */
  async learn(ms: number): Promise<void> {
    for (let round = 0; round < 40; round++) {
      this.outgoing.add(batchOf(99, 1));
      await Promise.resolve();
      this.nowMs += ms;
      this.requests.at(-1)?.answer({ kind: "answered", outcomes: [{ outcome: "applied" }] });
      await settled();
    }
    this.requests.length = 0;
    this.answers.length = 0;
  }

  async sizesOf(batches: readonly Batch[]): Promise<number[]> {
    for (const batch of batches) this.outgoing.add(batch);
    await Promise.resolve();
    return this.requests.map(({ delivery }) => delivery.events.length);
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function batchOf(partition: number, count: number, change: Partial<Batch> = {}): Batch {
  const events = Array.from({ length: count }, (_, index): DeliverableEvent => {
    const key = `${partition}-${index}`;
    return {
      eventId: key,
      source: "/services/shop",
      type: "shop.order.made.v1",
      key,
      data: "{}",
      traceparent: null,
      at: "2026-01-01T00:00:00.000Z",
      partition,
      offset: index + 1,
      keyDigits: key,
      bytes: 10,
    };
  });
  return {
    id: partition,
    partition,
    revision: "s-1",
    epoch: 7,
    events,
    lanes: events.map(({ key }) => key),
    parked: 0,
    isProbe: false,
    ...change,
  };
}

const applied = (count: number): Outcome[] =>
  Array.from({ length: count }, () => ({ outcome: "applied" }));

test("what is ready in the same turn shares a request, and each batch gets its own outcomes", async () => {
  const world = new World();
  await world.learn(1);
  const batches = [batchOf(0, 2), batchOf(1, 1), batchOf(2, 3)];
  expect(await world.sizesOf(batches)).toEqual([6]);
  const [request] = world.requests;
  expect(request?.delivery).toMatchObject({ revision: "s-1", epoch: 7 });
  const outcomes: Outcome[] = [
    { outcome: "applied" },
    { outcome: "failed", code: "BAD", detail: "" },
    { outcome: "duplicate" },
    ...applied(3),
  ];
  request?.answer({ kind: "answered", outcomes });
  await settled();
  expect(world.answers).toEqual([
    { batch: batches[0], answer: { kind: "answered", outcomes: outcomes.slice(0, 2) } },
    { batch: batches[1], answer: { kind: "answered", outcomes: outcomes.slice(2, 3) } },
    { batch: batches[2], answer: { kind: "answered", outcomes: outcomes.slice(3) } },
  ]);
});

test("a lost or stale answer is that of every batch; one that ends early leaves the rest unanswered", async () => {
  for (const answer of [
    { kind: "unanswered", reason: "lost" },
    { kind: "stale" },
  ] satisfies BatchAnswer[]) {
    const world = new World();
    await world.learn(1);
    await world.sizesOf([batchOf(0, 2), batchOf(1, 1)]);
    world.requests[0]?.answer(answer);
    await settled();
    expect(world.answers.map((one) => one.answer)).toEqual([answer, answer]);
  }
  const world = new World();
  await world.learn(1);
  await world.sizesOf([batchOf(0, 2), batchOf(1, 1)]);
  world.requests[0]?.answer({ kind: "answered", outcomes: applied(1) });
  await settled();
  expect(world.answers.map(({ answer }) => answer.kind)).toEqual(["answered", "unanswered"]);
});

test("other revisions, other splits and probes have requests of their own", async () => {
  const world = new World();
  await world.learn(1);
  const sizes = await world.sizesOf([
    batchOf(0, 2),
    batchOf(1, 1, { revision: "s-2" }),
    batchOf(2, 1, { epoch: 8 }),
    batchOf(3, 1, { isProbe: true }),
    batchOf(4, 3),
    batchOf(5, 1, { isProbe: true }),
  ]);
  expect(sizes).toEqual([5, 1, 1, 1, 1]);
});

test("a request holds no more events and bytes than a batch may", async () => {
  const world = new World();
  await world.learn(0);
  expect(await world.sizesOf([batchOf(0, 15), batchOf(1, 6), batchOf(2, 5)])).toEqual([20, 6]);
  world.requests.length = 0;
  const heavy = batchOf(3, 2);
  const events = heavy.events.map((event) => ({ ...event, bytes: 490 }));
  expect(await world.sizesOf([{ ...heavy, events }, batchOf(4, 2), batchOf(5, 1)])).toEqual([4, 1]);
});

test("where answers take long, or none is known yet, each has its own request", async () => {
  const world = new World();
  expect(await world.sizesOf([batchOf(0, 1), batchOf(1, 1)])).toEqual([1, 1]);
  for (const request of world.requests) request.answer({ kind: "stale" });
  await settled();
  await world.learn(SHARED_MS_MAX / 4);
  expect(await world.sizesOf([0, 1, 2, 3, 4, 5].map((one) => batchOf(one, 1)))).toEqual([4, 2]);
  await world.learn(SHARED_MS_MAX);
  expect(await world.sizesOf([batchOf(0, 1), batchOf(1, 1)])).toEqual([1, 1]);
});
