/** What of an answer is kept: the truth, whatever the order in which duplicates end, and all of it. */
import { present } from "@tideway/kernel";
import { defineApi, defineService } from "@tideway/schema";
import { testService } from "@tideway/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { IDEMPOTENCY_KEPT_HOURS, sweepKeys } from "../idempotency.ts";
import { openShop, shopApi, shopErrors } from "./shop-under-test.ts";
import type { Shop } from "./shop-under-test.ts";

let shop: Shop;
beforeAll(async () => {
  shop = await openShop();
});
beforeEach(() => {
  shop.onBuy = async ({ note }) => note;
});
afterAll(() => shop.close());

const empty = (shelf: string): Error => shopErrors.error("SHELF_EMPTY", { given: { shelf } });

describe("of two runs at once, one refused and one carried out", () => {
  test.each(["the refusal", "the success"])(
    "%s ends first, and the success holds",
    async (first) => {
      const runs: PromiseWithResolvers<string>[] = [];
      shop.onBuy = () => {
        const run = Promise.withResolvers<string>();
        runs.push(run);
        return run.promise;
      };
      const key = `k-${first.replace(" ", "-")}`;
      const refused = shop.buy("a", key).catch((error: unknown) => error);
      await expect.poll(() => runs.length).toBe(1);
      const carriedOut = shop.buy("a", key).catch((error: unknown) => error);
      await expect.poll(() => runs.length).toBe(2);
      const end = {
        "the refusal": async () => {
          present(runs[0], "Both run.").reject(empty("a"));
          expect(await refused).toMatchObject({ code: "SHELF_EMPTY" });
        },
        "the success": async () => {
          present(runs[1], "Both run.").resolve("done");
          expect(await carriedOut).toEqual({ note: "done" });
        },
      };
      const order =
        first === "the refusal" ? [end[first], end["the success"]] : [end["the success"]];
      for (const one of order) await one();
      present(runs[0], "Both run.").reject(empty("a"));
      // What was done is told from now on, also to whoever was refused before.
      if (first === "the success") expect(await refused).toEqual({ note: "done" });
      expect(await shop.buy("a", key)).toEqual({ note: "done" });
    },
  );
});

describe("text", () => {
  test.each([
    ["a zero character", "a\u0000b"],
    ["half a surrogate pair", "a\ud83d"],
  ])("%s, which the database cannot keep, is refused before anything is done", async (_, note) => {
    let runs = 0;
    shop.onBuy = async () => {
      runs++;
      throw empty(note);
    };
    await expect(shop.buy("a", "k-text-0001", note)).rejects.toMatchObject({
      code: "BODY_INVALID",
      given: { path: "body/note" },
    });
    expect(runs).toBe(0);
  });

  test("everything else comes back as it was sent, also when it is replayed", async () => {
    const note = "\u0001 \u001f \ud83d\udc36 \ufffd \u2028";
    expect(await shop.buy("a", "k-text-0002", note)).toEqual({ note });
    expect(await shop.buy("a", "k-text-0002", note)).toEqual({ note });
  });
});

test("the answer is JSON by its content type, first and replayed, done and refused", async () => {
  const ask = async (key: string) => {
    const headers = { "content-type": "application/json", "idempotency-key": key };
    const answer = await shop.service.fetchAs({ person: "per_1" })("http://s/shelves/a/buy", {
      method: "POST",
      headers,
      body: '{"note":"x"}',
    });
    return answer.headers.get("content-type");
  };
  expect(await ask("k-type-0001")).toMatch(/^application\/json/);
  expect(await ask("k-type-0001")).toMatch(/^application\/json/);
  shop.onBuy = async () => {
    throw empty("a");
  };
  expect(await ask("k-type-0002")).toMatch(/^application\/problem\+json/);
  expect(await ask("k-type-0002")).toMatch(/^application\/problem\+json/);
});

test("a handler learns whether an earlier run may have begun", async () => {
  const repeats: boolean[] = [];
  shop.onBuy = async ({ isRepeat }) => {
    repeats.push(isRepeat);
    if (repeats.length < 3) throw new Error("cut off");
    return "done";
  };
  for (let i = 0; i < 3; i++) await shop.buy("a", "k-repeat-01").catch(() => undefined);
  expect(repeats).toEqual([false, true, true]);
});

test("old keys are forgotten as fast as they come, not so many a round", async () => {
  await shop.database.pool.query(
    `insert into idempotency_keys (principal, route, key, body_digest, operation, created_at)
     select 'per_old', 'POST /x', 'k-' || i, '', '', now() - make_interval(hours => $1)
     from generate_series(1, 12000) i`,
    [IDEMPOTENCY_KEPT_HOURS + 1],
  );
  expect(await sweepKeys(shop.database.pool)).toBe(12_000);
  const left = await shop.database.pool.query(
    "select 1 from idempotency_keys where principal = 'per_old'",
  );
  expect(left.rowCount).toBe(0);
});

test("a route that anybody may call cannot be idempotent: nobody's keys would be anybody's", async () => {
  const { buy } = shopApi.routes;
  const routes = { buy: { ...buy, auth: "public" } } as const;
  const api = defineApi({ name: "shop", version: "1.0.0", errors: shopErrors, routes });
  const starting = testService({
    declaration: defineService({ name: "shop", api, database: true }),
    databaseUrl: shop.database.url,
    build: () => ({ handlers: { buy: async ({ body }) => ({ note: body.note }) } }),
  });
  await expect(starting).rejects.toThrow("is idempotent");
});
