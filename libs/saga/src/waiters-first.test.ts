/** Whose holder died while the person waits: the person's own run takes it over, not the background. */
import { Type } from "typebox";
import { tx } from "@tideway/store";
import { afterAll, beforeAll, expect, test } from "vitest";
import { defineSaga } from "./define-saga.ts";
import { startShop, uuid } from "./test/shop.ts";
import type { Shop } from "./test/shop.ts";

let shop: Shop;
beforeAll(async () => {
  shop = await startShop();
});
afterAll(() => shop.close());

/** A payment in short: only on behalf of its person is it sent, otherwise it is asked about. */
function payment(asked: string[]) {
  return defineSaga({
    name: "pay",
    version: 1,
    input: Type.Object({ order: Type.String() }),
    steps: (on) => [
      on.tx("claim", { run: () => null, undo: () => {} }),
      on.pivot("move", {
        request: ({ data }) => ({
          service: "stock",
          method: "POST",
          path: "/sell",
          body: { order: data.order },
        }),
        send: () => Promise.resolve(),
        settle: {
          afterMs: 0,
          ask: ({ data }) => {
            asked.push(data.order);
            const problem = { code: "PAYMENT_ABANDONED", detail: "Nobody came for it." };
            return Promise.resolve({ kind: "refused", problem });
          },
        },
      }),
    ],
  });
}

/** A saga that a holder began who is dead by now; its lease has so long to go. */
async function orphan(key: string, asked: string[], leaseMs: number): Promise<string> {
  const dead = await shop.instance({ definitions: [payment(asked)] });
  const saga = await tx(dead.pool, async (t) => {
    const data = { order: key };
    const begun = await dead.start(t, "pay", { key, data, attended: false });
    return begun.saga;
  });
  await dead.stop();
  await shop.admin.query("delete from tideway.saga_steps where saga = $1 and step = 'move'", [
    uuid(saga),
  ]);
  await shop.admin.query(
    `update tideway.sagas set state = 'running', step = 'move', fence = fence + 1,
       lease_owner = 'ins_dead', lease_until = clock_timestamp() + make_interval(secs => $2),
       due_at = clock_timestamp() + make_interval(secs => $2) where id = $1`,
    [uuid(saga), leaseMs / 1_000],
  );
  asked.length = 0;
  return saga;
}

test("a run that waits takes it over before the background may", async () => {
  const asked: string[] = [];
  const background = await shop.instance({ definitions: [payment(asked)], pollEveryMs: 5 });
  const waiter = await shop.instance({ definitions: [payment(asked)] });
  for (let round = 0; round < 5; round++) {
    const saga = await orphan(`waited-${round}`, asked, 700);
    const view = await waiter.run(saga, 10_000);
    expect(view).toMatchObject({ state: "completed", isOver: true });
    expect(asked).toEqual([]);
  }
  await Promise.all([background.stop(), waiter.stop()]);
});

test("where nobody waits the background takes it when its lease is over", async () => {
  const asked: string[] = [];
  const background = await shop.instance({ definitions: [payment(asked)], pollEveryMs: 5 });
  const saga = await orphan("forgotten", asked, 300);
  expect((await background.wait(saga, 10_000)).state).toBe("compensated");
  expect(asked).toEqual(["forgotten"]);
  await background.stop();
});

test("one who waited and went away holds up the background for a second more", async () => {
  const asked: string[] = [];
  const waiter = await shop.instance({ definitions: [payment(asked)] });
  const saga = await orphan("left", asked, 1_000);
  expect((await waiter.run(saga, 300)).isOver).toBe(false);
  const due = await shop.admin.query<{ ms: number }>(
    `select extract(epoch from due_at - lease_until)::float8 * 1000 as ms
     from tideway.sagas where id = $1`,
    [uuid(saga)],
  );
  expect(due.rows[0]?.ms).toBe(1_000);
  const background = await shop.instance({ definitions: [payment(asked)], pollEveryMs: 5 });
  expect((await background.wait(saga, 10_000)).state).toBe("compensated");
  await Promise.all([background.stop(), waiter.stop()]);
});
