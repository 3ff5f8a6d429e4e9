import { join } from "node:path";
import type { EvidenceRecord } from "@tideway/gateway";
import { ROLLOUT_DEFAULT, SCALING_DEFAULT } from "@tideway/schema";
import type { Manifest } from "@tideway/schema";
import { testDatabase } from "@tideway/testkit";
import type { TestDatabase } from "@tideway/testkit";
import { tx } from "@tideway/store";
import { afterAll, beforeAll, expect, test } from "vitest";
import { addEvidence, listBad, pruneEvidence, readEvidence } from "./evidence.ts";
import { addRevision, findRollbackTarget, setStable } from "./revisions.ts";
import { insertRollout, updateRollout } from "./rollouts.ts";

let database: TestDatabase;
beforeAll(async () => {
  const migrations = join(import.meta.dirname, "../../migrations");
  database = await testDatabase({ service: "control", migrations });
  for (const digest of ["a", "b"]) {
    await tx(database.pool, (t) => addRevision(t, { ...revision, digest }));
  }
  await insertRollout(database.pool, rollout("rol_1", "shop-1"));
});
afterAll(() => database.close());

// The manifest is stored as it is; nothing here reads it.
const manifest = { rollout: ROLLOUT_DEFAULT, scaling: SCALING_DEFAULT } as Manifest;
const revision = { service: "shop", manifest, createdBy: "test" };
const rollout = (id: string, to: string) => ({
  rollout: id,
  service: "shop",
  from: null,
  to,
  state: {},
  phase: "starting",
  startedBy: "test",
});
const record = (part: Partial<EvidenceRecord>): EvidenceRecord => ({
  seq: 1,
  kind: "seen",
  lane: "stable",
  person: "p1",
  weight: 5,
  atMs: 0,
  route: null,
  status: null,
  reason: null,
  traceId: null,
  durationMs: null,
  ...part,
});
const bad = (part: Partial<EvidenceRecord>) =>
  record({ kind: "bad", route: "POST /x", reason: "5xx", status: 500, ...part });

test("what the gateway tells twice is added once, in its order", async () => {
  const page = [
    record({}),
    record({ lane: "candidate", person: "p2" }),
    bad({ lane: "candidate", person: "p2" }),
    bad({ person: "p1", weight: 25 }),
  ];
  expect(await addEvidence(database.pool, "rol_1", page)).toEqual(page);
  expect(await addEvidence(database.pool, "rol_1", [...page, record({ person: "p3" })])).toEqual([
    record({ person: "p3" }),
  ]);
  const stored = await readEvidence(database.pool, "rol_1");
  expect(stored.filter(({ kind }) => kind === "bad").map(({ person }) => person)).toEqual([
    "p2",
    "p1",
  ]);
  expect(stored.filter(({ kind }) => kind === "seen")).toHaveLength(3);
});

test("a person gives one bad event a rollout, to the lane that came first", async () => {
  await addEvidence(database.pool, "rol_1", [bad({ person: "p2", lane: "stable" })]);
  const rows = await listBad(database.pool, "rol_1", 10);
  expect(rows.map(({ lane }) => lane)).toEqual(["candidate", "stable"]);
});

test("the same files are the same revision, other files the next number", async () => {
  const again = await tx(database.pool, (t) => addRevision(t, { ...revision, digest: "a" }));
  expect([again.row.revision, again.isNew]).toEqual(["shop-1", false]);
  const both = await Promise.all(
    ["c", "d"].map((digest) => tx(database.pool, (t) => addRevision(t, { ...revision, digest }))),
  );
  expect(both.map(({ row }) => row.revision).sort()).toEqual(["shop-3", "shop-4"]);
});

test("one rollout a service runs, and a stale writer is told", async () => {
  const second = insertRollout(database.pool, rollout("rol_2", "shop-2"));
  await expect(second).rejects.toMatchObject({ code: "23505" });
  const change = {
    state: {},
    phase: "promoted",
    verdict: null,
    isFinal: true,
    outcome: "done",
    failureLog: null,
  };
  expect(await updateRollout(database.pool, { rollout: "rol_1", version: 7 }, change)).toBe(false);
  expect(await updateRollout(database.pool, { rollout: "rol_1", version: 1 }, change)).toBe(true);
  await setStable(database.pool, "shop", "shop-1");
  expect(await findRollbackTarget(database.pool, "shop")).toBeNull();
  await insertRollout(database.pool, { ...rollout("rol_2", "shop-2"), from: "shop-1" });
  await updateRollout(database.pool, { rollout: "rol_2", version: 1 }, change);
  await setStable(database.pool, "shop", "shop-2");
  expect(await findRollbackTarget(database.pool, "shop")).toBe("shop-1");
});

test("the people of a rollout that ended are forgotten, its bad requests are kept for the report", async () => {
  await addEvidence(database.pool, "rol_1", [record({}), bad({ person: "p9" })]);
  await insertRollout(database.pool, rollout("rol_3", "shop-3"));
  await addEvidence(database.pool, "rol_3", [record({})]);
  const badBefore = await listBad(database.pool, "rol_1", 10);
  await pruneEvidence(database.pool, 1_000);
  const kinds = async (id: string) =>
    (await readEvidence(database.pool, id)).map(({ kind }) => kind);
  expect((await kinds("rol_1")).filter((kind) => kind === "seen")).toEqual([]);
  expect(await listBad(database.pool, "rol_1", 10)).toEqual(badBefore);
  expect(await kinds("rol_3")).toEqual(["seen"]);
});
