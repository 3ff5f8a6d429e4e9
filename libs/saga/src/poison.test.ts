/** What cannot be kept, or fails for ever: it costs its own saga some waiting, and is told of. */
import { newId, until } from "@tideway/kernel";
import { tx } from "@tideway/store";
import { Type } from "typebox";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { defineSaga } from "./define-saga.ts";
import { SAGA_DATA_BYTES_MAX } from "./start-saga.ts";
import { orderSaga } from "./test/order-saga.ts";
import { startShop, uuid } from "./test/shop.ts";
import type { Instance, Shop } from "./test/shop.ts";

const post = (service: string, path: string, body?: unknown) =>
  ({ service, method: "POST", path, body }) as const;

/** Its requests and their undo carry all of the data. */
const heavy = (first: "call" | "tx", last: "call" | "tx") =>
  defineSaga({
    name: `heavy-${first}-${last}`,
    version: 1,
    input: Type.Object({ id: Type.String(), text: Type.String() }),
    steps: (on) => [
      ...(first === "tx" ? [on.tx("begin", { run: () => null, undo: "none" })] : []),
      ...(first === "tx" && last === "tx"
        ? [
            on.call("light", {
              request: ({ data }) => post("light", `/light/${data.id}`),
              undo: "none",
            }),
          ]
        : []),
      on.call("load", {
        request: ({ data }) => post("stock", `/stock/${data.id}`, data),
        undo: ({ data }) => [post("stock", `/undo-stock/${data.id}`, data)],
      }),
    ],
  });

let shop: Shop;
let sagas: Instance;
beforeAll(async () => {
  shop = await startShop();
  const definitions = [orderSaga(3), heavy("call", "call"), heavy("tx", "tx")];
  sagas = await shop.instance({ definitions, pollEveryMs: 30 });
});
afterEach(() => {
  shop.participants.fault = () => "none";
  shop.participants.reply = ({ what }) => ({ ok: what });
});
afterAll(() => shop.close());

const start = async (name: string, data: Record<string, unknown>, key = newId("ord")) =>
  (await tx(shop.database.pool, (t) => sagas.start(t, name, { key, data }))).saga;
const rowOf = async (saga: string) => {
  const found = await shop.admin.query<{
    attempts: number;
    attention: boolean;
    code: string | null;
    dueInMs: number;
  }>(
    `select attempts, attention, problem ->> 'code' as code,
       (extract(epoch from due_at - clock_timestamp()) * 1000)::float8 as "dueInMs"
     from tideway.sagas where id = $1`,
    [uuid(saga)],
  );
  return found.rows[0];
};

describe("what a callee answers", () => {
  test.each([
    ["a NUL", { text: "a\0b" }],
    ["half of a surrogate pair", { text: "a\ud83d" }],
    ["a name with a NUL", { "\0": 1 }],
  ])("with %s is not kept, and the step is done all the same", async (_, reply) => {
    const order = newId("ord");
    shop.participants.reply = ({ what, id }) =>
      id === order && what === "stock" ? reply : { ok: what };
    const saga = await start("order", { order });
    await sagas.signal(saga, "paid", null);
    const end = await sagas.wait(saga, 8_000);
    expect(end).toMatchObject({ state: "completed", results: { stock: null } });
    expect(shop.participants.times.get(`stock ${order}`)).toBe(1);
  });

  test("an escaped backslash before u0000 is text like any other, and kept", async () => {
    const order = newId("ord");
    const reply = { text: "\\u0000 and \\\\ud800" };
    shop.participants.reply = ({ what, id }) =>
      id === order && what === "stock" ? reply : { ok: what };
    const saga = await start("order", { order });
    await sagas.signal(saga, "paid", null);
    expect(await sagas.wait(saga, 8_000)).toMatchObject({ results: { stock: reply } });
  });

  test("a refusal whose words are cut in the middle of a character is kept", async () => {
    const order = newId("ord");
    shop.participants.title = `\0${"x".repeat(285)}${"\u{1f4a5}".repeat(20)}`;
    shop.participants.fault = ({ what, id }) =>
      id === order && what === "label" ? "refuse" : "none";
    const saga = await start("order", { order });
    const end = await sagas.wait(saga, 8_000);
    expect(end).toMatchObject({ state: "compensated", reason: { code: "REFUSED" } });
  });
});

describe("what is too large", () => {
  const text = "x".repeat(SAGA_DATA_BYTES_MAX - 200);

  test("requests with their undo, in the start: it is refused, and nothing stays", async () => {
    const id = newId("ord");
    const refused = start("heavy-call-call", { id, text }, id);
    await expect(refused).rejects.toMatchObject({ code: "SAGA_REQUEST_TOO_LARGE" });
    const found = await shop.admin.query("select 1 from tideway.sagas where start_key = $1", [id]);
    expect(found.rowCount).toBe(0);
  });

  test("requests of a later step: the saga is undone", async () => {
    const id = newId("ord");
    const saga = await start("heavy-tx-tx", { id, text });
    const end = await sagas.wait(saga, 8_000);
    expect(end).toMatchObject({
      state: "compensated",
      reason: { code: "SAGA_REQUEST_TOO_LARGE" },
    });
  });

  test("signals, and text that no database keeps, are refused", async () => {
    const order = newId("ord");
    const saga = await start("order", { order, pauseMs: 3_600_000 });
    const large = sagas.signal(saga, "paid", { text: "x".repeat(70_000) });
    await expect(large).rejects.toMatchObject({ code: "SAGA_SIGNAL_INVALID" });
    const nul = sagas.signal(saga, "paid", { text: "\0" });
    await expect(nul).rejects.toMatchObject({ code: "SAGA_SIGNAL_INVALID" });
    const refused = start("order", { order: "a\0b" });
    await expect(refused).rejects.toMatchObject({ code: "SAGA_DATA_INVALID" });
    const key = start("order", { order }, "k\0k");
    await expect(key).rejects.toMatchObject({ code: "SAGA_KEY_INVALID" });
  });
});

describe("what fails for ever", () => {
  test("a row that the database refuses is tried less and less often, and told of", async () => {
    const order = newId("ord");
    const arrived = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<"none">();
    shop.participants.fault = ({ what, id }) => {
      if (id !== order || what !== "label") return "none";
      arrived.resolve();
      return gate.promise;
    };
    const saga = await start("order", { order });
    await arrived.promise;
    const name = `no_${order.replaceAll(/\W/g, "").slice(-12).toLowerCase()}`;
    await shop.admin.query(
      `alter table tideway.saga_steps add constraint ${name}
       check (saga <> '${uuid(saga)}' or step <> 'label' or state <> 'done') not valid`,
    );
    gate.resolve("none");
    await until(async () => ((await rowOf(saga))?.attempts ?? 0) >= 4, {
      deadlineMs: 10_000,
      what: "some failed saves are counted",
    });
    const calls = shop.participants.calls.filter(
      ({ id, what }) => id === order && what === "label",
    );
    expect(calls.length).toBeLessThan(8);
    expect(await rowOf(saga)).toMatchObject({ attention: false, code: "STEP_FAILED" });
    await shop.admin.query("update tideway.sagas set attempts = 19 where id = $1", [uuid(saga)]);
    await until(async () => (await rowOf(saga))?.attention === true, {
      deadlineMs: 40_000,
      what: "somebody should look",
    });
    await shop.admin.query(`alter table tideway.saga_steps drop constraint ${name}`);
    await shop.admin.query("update tideway.sagas set due_at = now() where id = $1", [uuid(saga)]);
    await sagas.signal(saga, "paid", null);
    expect((await sagas.wait(saga, 10_000)).state).toBe("completed");
    expect(shop.participants.times.get(`label ${order}`)).toBe(1);
  });

  test("a transaction that always waits too long is a failed try, with its wait", async () => {
    const order = newId("ord");
    const saga = await start("order", { order });
    await shop.admin.query(
      `create or replace function never() returns trigger language plpgsql as $$
       begin raise exception 'too long' using errcode = '57014'; end $$;
       create trigger never before update on orders for each row
         when (new.order_id = '${order}') execute function never()`,
    );
    await sagas.signal(saga, "paid", null);
    await until(async () => ((await rowOf(saga))?.attempts ?? 0) >= 3, {
      deadlineMs: 10_000,
      what: "three failed tries are counted",
    });
    expect(await rowOf(saga)).toMatchObject({ code: "OVERLOADED" });
    await shop.admin.query("drop trigger never on orders");
    expect((await sagas.wait(saga, 10_000)).state).toBe("completed");
  });
});
