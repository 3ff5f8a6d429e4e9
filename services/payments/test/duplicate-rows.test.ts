/**
 * Duplicates that insert the same payment at the same moment. A payment has two unique keys, and
 * whichever of them a waiting insert meets first, it is a duplicate and no error.
 */
import { fileURLToPath } from "node:url";
import { newId } from "@tideway/kernel";
import { testDatabase } from "@tideway/testkit";
import type { TestDatabase } from "@tideway/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { insertPayment } from "../src/store/payments.ts";

let database: TestDatabase;
beforeAll(async () => {
  const migrations = fileURLToPath(new URL("../migrations", import.meta.url));
  database = await testDatabase({ service: "payments", migrations });
});
afterAll(() => database.close());

test("of many inserts of one payment at once one adds it, and the others are told", async () => {
  for (let round = 0; round < 150; round++) {
    const terms = {
      payment: newId("pay"),
      transfer: newId("trf"),
      payer: newId("per"),
      payee: newId("per"),
      amountMinor: 480n,
      asset: "EUR",
      scale: 2,
      invoice: null,
      note: null,
    };
    const added = await Promise.all(
      Array.from({ length: 8 }, () => insertPayment(database.pool, terms)),
    );
    expect(added.filter(Boolean)).toHaveLength(1);
  }
});
