/** A note is erased while the request that reads it is still under way: nothing of it stays. */
import { until } from "@tideway/kernel";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newKey, send, startMoney } from "./money-under-test.ts";
import type { Money } from "./money-under-test.ts";
import type { Fault } from "./test-gateway.ts";

let money: Money;
beforeAll(async () => {
  money = await startMoney();
});
afterAll(() => money.close());

test("an answer that is kept just after the erasure is forgotten too", async () => {
  const [ada, ben] = await Promise.all([money.rich(), money.signUp()]);
  const key = newKey();
  const locked = await money.admin.connect();
  const posted = Promise.withResolvers<void>();
  // The money moves only when the key's row is locked: so its answer is read, but not kept yet.
  money.gateway.fault = async (call): Promise<Fault> => {
    if (call.path !== "/transfers" || call.method !== "POST") return "none";
    await locked.query("begin");
    await locked.query("select 1 from idempotency_keys where key = $1 for update", [key]);
    posted.resolve();
    return "none";
  };
  const sending = send(ada, ben, "480", { key, note: "for the doctor" });
  await posted.promise;
  await until(
    async () =>
      (
        await money.admin.query(
          `select 1 from pg_stat_activity where wait_event_type = 'Lock'
             and query like 'update idempotency_keys set %' and datname = current_database()`,
        )
      ).rowCount === 1,
    { deadlineMs: 5_000, what: "the answer waits to be kept" },
  );
  await ada.payments.eraseNotes();
  await locked.query("commit");
  locked.release();
  // Whoever waits for the answer gets it: the note was theirs when they asked.
  expect((await sending).note).toBe("for the doctor");
  await until(
    async () =>
      (await money.admin.query("select 1 from idempotency_keys where reply::text like '%doctor%'"))
        .rowCount === 0,
    { deadlineMs: 15_000, what: "the kept answer is forgotten" },
  );
  await money.heal();
  expect((await send(ada, ben, "480", { key, note: "for the doctor" })).note).toBeNull();
});
