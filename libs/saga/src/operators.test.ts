/** What operators see and do, over the service's own routes; and sagas that wait. */
import { newId, until } from "@tideway/kernel";
import { defineErrors } from "@tideway/kernel";
import { defineApi, defineService } from "@tideway/schema";
import type { SagaStep, SagaSummary } from "@tideway/schema";
import { testService } from "@tideway/testkit";
import type { TestService } from "@tideway/testkit";
import { tx } from "@tideway/store";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createSagaCall, createSagaModule } from "./index.ts";
import type { Sagas } from "./index.ts";
import { orderSaga } from "./test/order-saga.ts";
import { startShop, uuid } from "./test/shop.ts";
import type { Shop } from "./test/shop.ts";

const api = defineApi({ name: "shop", version: "1.0.0", routes: {}, errors: defineErrors({}) });
const declaration = defineService({
  name: "shop",
  api,
  database: true,
  sagas: [{ name: "order", version: 3 }],
});
let shop: Shop;
let sagas: Sagas;
let service: TestService<typeof api>;
beforeAll(async () => {
  shop = await startShop();
  service = await testService({
    declaration,
    databaseUrl: shop.database.url,
    internalUrl: shop.participants.url,
    build: (parts) => {
      sagas = createSagaModule({
        ...parts,
        definitions: [orderSaga(3)],
        call: createSagaCall(parts.config),
        instance: parts.config.instance,
        pollEveryMs: 40,
      });
      return { handlers: {}, modules: [sagas.module] };
    },
  });
});
afterEach(() => {
  shop.participants.fault = () => "none";
});
afterAll(async () => {
  await service.stop();
  await shop.close();
});

const start = async (order: string, pauseMs = 0): Promise<string> => {
  const options = { key: order, data: { order, pauseMs } };
  return (await tx(shop.database.pool, (t) => sagas.start(t, "order", options))).saga;
};
// T is the reply that the route declares; what it answers is looked at by the tests.
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
async function ask<T>(
  method: string,
  path: string,
  body?: unknown,
  caller = "control",
): Promise<{ status: number; body: T }> {
  const answer = await service.fetchAs({ caller })(`http://shop/tideway/${path}`, {
    method,
    headers: { "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: (await answer.json()) as T };
}
type Inspected = { saga: SagaSummary; steps: SagaStep[] };
type Refusal = { code: string };
const inspect = async (saga: string) => (await ask<Inspected>("GET", `sagas/${saga}`)).body;
const untilState = (saga: string, state: string, step: string) =>
  until(
    async () => {
      const { saga: found } = await inspect(saga);
      return found.state === state && found.step === step;
    },
    { deadlineMs: 10_000, what: `the saga is ${state} at ${step}` },
  );

describe("waiting", () => {
  test("a timer ends by itself, a signal when it comes; the first of two counts", async () => {
    const order = newId("ord");
    const saga = await start(order, 250);
    await untilState(saga, "waiting", "paid");
    const { steps, saga: found } = await inspect(saga);
    const pause = steps.find(({ step }) => step === "pause");
    const lasted = Date.parse(pause?.finishedAt ?? "") - Date.parse(pause?.startedAt ?? "");
    expect(lasted).toBeGreaterThanOrEqual(250);
    // Before its pivot it waits no longer than its deadline.
    expect(found.dueAt).not.toBeNull();
    await sagas.signal(saga, "paid", { by: "card" });
    await sagas.signal(saga, "paid", { by: "cash" }).catch(() => {});
    const end = await sagas.wait(saga, 10_000);
    expect(end).toMatchObject({ state: "completed", results: { paid: { by: "card" } } });
  });

  test("a signal that comes too early is kept", async () => {
    const order = newId("ord");
    const saga = await start(order, 400);
    await untilState(saga, "waiting", "pause");
    await sagas.signal(saga, "paid", 1);
    expect((await sagas.wait(saga, 10_000)).state).toBe("completed");
    await expect(sagas.signal(saga, "paid", 2)).rejects.toMatchObject({ code: "SAGA_OVER" });
    await expect(sagas.signal(saga, "stock", 2)).rejects.toMatchObject({
      code: "SAGA_SIGNAL_UNKNOWN",
    });
    await expect(sagas.signal(newId("sag"), "paid", 2)).rejects.toMatchObject({
      code: "SAGA_NOT_FOUND",
    });
  });
});

describe("operators", () => {
  test("nobody but the platform asks", async () => {
    const answer = await ask<Refusal>("GET", "sagas", undefined, "payments");
    expect(answer).toMatchObject({ status: 403, body: { code: "CALLER_FORBIDDEN" } });
  });

  test("see a timeline with each step's undo, and give a saga up before its pivot", async () => {
    const order = newId("ord");
    const saga = await start(order);
    await untilState(saga, "waiting", "paid");
    const { steps } = await inspect(saga);
    expect(steps.map(({ step, kind, state }) => `${step} ${kind} ${state}`)).toEqual([
      "note tx done",
      "stock reserve done",
      "label call done",
      "pause timer done",
      "paid signal pending",
      "ship pivot pending",
      "sell confirm pending",
      "close tx pending",
    ]);
    expect(steps[1]?.undo).toEqual({
      service: "stock",
      method: "POST",
      path: `/undo-stock/${order}`,
    });
    const body = { by: "olga", reason: "customer called" };
    const given = await ask<SagaSummary>("POST", `sagas/${saga}/compensate`, body);
    expect(given.status).toBe(200);
    expect((await sagas.wait(saga, 10_000)).state).toBe("compensated");
    const again = await ask<SagaSummary>("POST", `sagas/${saga}/compensate`, body);
    expect(again.body.state).toBe("compensated");
    expect((await inspect(saga)).steps.slice(0, 4).map(({ state }) => state)).toEqual(
      "undone undone undone no-undo".split(" "),
    );
    const over = await ask<Refusal>("POST", `sagas/${saga}/retry`, { by: "olga" });
    expect(over).toMatchObject({ status: 409, body: { code: "SAGA_OVER" } });
  });

  test("cannot give up what has begun its pivot, and retry what waits for its next try", async () => {
    const order = newId("ord");
    shop.participants.fault = ({ what, id }) => (id === order && what === "ship" ? "fail" : "none");
    const saga = await start(order);
    await sagas.signal(saga, "paid", null);
    await until(async () => (await inspect(saga)).saga.attempts > 0, {
      deadlineMs: 10_000,
      what: "a failed try of the pivot",
    });
    const body = { by: "olga", reason: "customer called" };
    const refused = await ask<Refusal>("POST", `sagas/${saga}/compensate`, body);
    expect(refused).toMatchObject({ status: 409, body: { code: "SAGA_PAST_PIVOT" } });
    shop.participants.fault = () => "none";
    await shop.admin.query(
      `update tideway.sagas set due_at = now() + interval '1 hour'
       where id = $1 and lease_owner is null`,
      [uuid(saga)],
    );
    expect((await ask("POST", `sagas/${saga}/retry`, { by: "olga" })).status).toBe(200);
    expect((await sagas.wait(saga, 10_000)).state).toBe("completed");
    const done = await ask<Refusal>("POST", `sagas/${saga}/compensate`, body);
    expect(done).toMatchObject({ status: 409, body: { code: "SAGA_OVER" } });
    const missing = await ask<Refusal>("GET", `sagas/${newId("sag")}`);
    expect(missing).toMatchObject({ status: 404, body: { code: "SAGA_NOT_FOUND" } });
  });

  test("page through lists, newest first, and filter them", async () => {
    await shop.admin.query("update tideway.sagas set attention = true where state = 'completed'");
    type Page = { items: SagaSummary[]; next: string | null };
    const all: SagaSummary[] = [];
    let next: string | null = "";
    while (next !== null) {
      const after: string = next === "" ? "" : `&after=${next}`;
      const page: { body: Page } = await ask<Page>("GET", `sagas?limit=2${after}`);
      all.push(...page.body.items);
      next = page.body.next;
    }
    expect(all.length).toBeGreaterThanOrEqual(4);
    expect(new Set(all.map(({ saga }) => saga)).size).toBe(all.length);
    const times = all.map(({ startedAt }) => startedAt);
    expect(times).toEqual(times.toSorted().toReversed());
    const marked = (await ask<Page>("GET", "sagas?attention=true")).body.items;
    expect(new Set(marked.map(({ state }) => state))).toEqual(new Set(["completed"]));
    const back = (await ask<Page>("GET", "sagas?state=compensated")).body.items;
    expect(back).toHaveLength(all.filter(({ state }) => state === "compensated").length);
    expect((await ask<Refusal>("GET", "sagas?after=nonsense")).body.code).toBe("BODY_INVALID");
  });

  test("see in the metrics what ran and what is under way", async () => {
    const { body: text } = await service.app.inject({ url: "/metrics" });
    expect(text).toMatch(/tideway_shop_sagas_completed_total\{[^}]*saga="order"[^}]*\} [1-9]/);
    expect(text).toMatch(/tideway_shop_sagas_compensated_total\{[^}]*saga="order"[^}]*\} [1-9]/);
  });
});
