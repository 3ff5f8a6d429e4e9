/** What a service's own role may write into its outbox, whatever code it runs. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testDatabase } from "@tideway/testkit";
import type { TestDatabase } from "@tideway/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { violatedConstraint } from "./index.ts";

const TYPE = "shop-floor.order.made.v1";
let database: TestDatabase;
const folder = mkdtempSync(join(tmpdir(), "tw-guards-"));
beforeAll(async () => {
  database = await testDatabase({ service: "shop-floor", migrations: folder });
});
afterAll(async () => {
  await database.close();
  rmSync(folder, { recursive: true });
});

/** The constraint that refused the row, null when it was taken. */
function write(data: string, type = TYPE): Promise<string | null> {
  return database.pool
    .query(
      `insert into tideway.outbox (event_id, type, key, data)
       values (gen_random_uuid(), $1, 'k', $2)`,
      [type, data],
    )
    .then(
      () => null,
      (error: unknown) => violatedConstraint(error),
    );
}

test.each(['{"n":1}', "null", "[1,2]", '"text"', ' { "nested": { "deep": [true] } } '])(
  "%s is data of an event",
  async (data) => expect(await write(data)).toBeNull(),
);

test.each([
  "",
  "nonsense",
  '{"n":1',
  // Would tell of another service, as the last of two names counts.
  '{},"source":"/services/ledger"',
  // Would put a second event into the batch.
  '{}},{"specversion":"1.0"',
])("%j is none, and never reaches anybody's delivery", async (data) => {
  expect(await write(data)).toBe("outbox_data_json");
});

test.each(["ledger.transfer.posted.v1", "shop.order.made.v1", "", "shop-floorx.a.v1"])(
  "an event %j is not its own to tell",
  async (type) => {
    expect(await write("{}", type)).toBe("outbox_own_type");
  },
);
