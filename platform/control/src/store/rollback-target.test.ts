/** What `tideway rollback SERVICE` returns to after any history of releases and rollbacks. */
import { join } from "node:path";
import { newId } from "@tideway/kernel";
import { ROLLOUT_DEFAULT, SCALING_DEFAULT } from "@tideway/schema";
import type { Manifest } from "@tideway/schema";
import { tx } from "@tideway/store";
import { testDatabase } from "@tideway/testkit";
import type { TestDatabase } from "@tideway/testkit";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { addRevision, findRollbackTarget, findService, setStable } from "./revisions.ts";
import { setWithdrawn } from "./revisions.ts";
import { insertRollout, updateRollout } from "./rollouts.ts";

let database: TestDatabase;
let service: string;
let services = 0;
beforeAll(async () => {
  const migrations = join(import.meta.dirname, "../../migrations");
  database = await testDatabase({ service: "control", migrations });
});
afterAll(() => database.close());
beforeEach(async () => {
  service = `shop${++services}`;
  // The manifest is stored as it is; nothing here reads it.
  const manifest = { rollout: ROLLOUT_DEFAULT, scaling: SCALING_DEFAULT } as Manifest;
  for (const digest of ["a", "b", "c"]) {
    await tx(database.pool, (t) =>
      addRevision(t, { service, digest, manifest, createdBy: "test" }),
    );
  }
});

type Phase = "promoted" | "withdrawn";
async function move(to: number, strategy: "judged" | "immediate", phase: Phase = "promoted") {
  const { pool } = database;
  const rollout = newId("rol");
  const from = (await findService(pool, service))?.stable ?? null;
  const revision = `${service}-${to}`;
  const state = { plan: { strategy } };
  const begun = { rollout, service, from, to: revision, state, phase: "starting" };
  await insertRollout(pool, { ...begun, startedBy: "test" });
  const change = { state, phase, verdict: null, isFinal: true, outcome: "", failureLog: null };
  await updateRollout(pool, { rollout, version: 1 }, change);
  await setWithdrawn(pool, revision, phase === "promoted" ? "never" : "now");
  if (phase === "promoted") await setStable(pool, service, revision);
}
const release = (to: number, phase?: Phase) => move(to, "judged", phase);
const rollBackTo = (to: number) => move(to, "immediate");
const target = async (): Promise<string | null> => {
  const found = await findRollbackTarget(database.pool, service);
  return found === null ? null : found.slice(service.length + 1);
};

test("the revision before, and none before the first", async () => {
  expect(await target()).toBeNull();
  await release(1);
  expect(await target()).toBeNull();
  await release(2);
  expect(await target()).toBe("1");
});

test("a second rollback goes further back, never to what the first one left", async () => {
  for (const to of [1, 2, 3]) await release(to);
  await rollBackTo(2);
  expect(await target()).toBe("1");
  await rollBackTo(1);
  expect(await target()).toBeNull();
});

test("good, bad, good: the bad one is passed over", async () => {
  await release(1);
  await release(2, "withdrawn");
  await release(3);
  expect(await target()).toBe("1");
});

test("a release that was rolled back from is not returned to by the next good one", async () => {
  await release(1);
  await release(2);
  await rollBackTo(1);
  await release(3);
  expect(await target()).toBe("1");
});

test("an undone rollback leads to where the release had come from", async () => {
  await release(1);
  await release(2);
  await rollBackTo(1);
  await rollBackTo(2);
  expect(await target()).toBe("1");
});

test("a revision that could not come back is passed over for the one before it", async () => {
  for (const to of [1, 2, 3]) await release(to);
  await move(2, "immediate", "withdrawn");
  expect(await target()).toBe("1");
});

test("a revision that was withdrawn and later released well may be returned to", async () => {
  await release(1);
  await release(2, "withdrawn");
  await release(2);
  await release(3);
  expect(await target()).toBe("2");
});

test("a revision that was released twice leads to where its last release came from", async () => {
  await release(1);
  await release(2);
  await release(1);
  expect(await target()).toBe("2");
});
