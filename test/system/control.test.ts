/**
 * Control under kill -9, and the parts under it. People pay each other all the time. Whatever is
 * killed, and in whatever state a rollout is then, all parts come back by themselves, agree with
 * each other about who has the traffic, and every payment that was acknowledged is in the ledger.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "@tideway/kernel";
import { afterAll, beforeAll, expect, test } from "vitest";
import { signInPeople } from "../../platform/cli/src/demo/people.ts";
import type { DemoPerson } from "../../platform/cli/src/demo/people.ts";
import { runTraffic } from "../../platform/cli/src/demo/traffic.ts";
import type { Acknowledged, TrafficReport } from "../../platform/cli/src/demo/traffic.ts";
import { viewOf } from "./control-view.ts";
import type { View } from "./control-view.ts";
import { install, patchedCopy } from "./harness.ts";
import type { Installation } from "./harness.ts";

const PEOPLE = 24;
const PER_SECOND = 8;
const WEIGHT = 30;
const SERVICE = "payments";
/** Nothing moves by itself under this one. */
const STANDING = { stepSecondsMin: 600, stepSecondsMax: 601, badRateMax: 0.5 };
/** Nobody can decide so soon. */
const UNDECIDED = { stepSecondsMin: 1, stepSecondsMax: 2, badRateMax: 0.001 };

let tideway: Installation;
let view: View;
let people: DemoPerson[];
let load: Load;
let copy: string;
/** While this file is missing, the instances of the copy do not get ready. */
let gate: string;
const acknowledged: Acknowledged[] = [];

beforeAll(async () => {
  tideway = await install({ TIDEWAY_IDENTITY_SCRYPT_N: "1024" });
  view = viewOf(tideway);
  const { publicUrl } = tideway;
  const signal = AbortSignal.timeout(120_000);
  people = await signInPeople({ publicUrl, count: PEOPLE, signal, concurrency: 4 });
  gate = join(tideway.home, "gate");
  copy = patchedCopy("services/payments/src/main.ts", (text) => {
    const wait = `while (!existsSync(${JSON.stringify(gate)})) await sleep(50);`;
    const imports = [
      `import { existsSync } from "node:fs";`,
      `import { setTimeout as sleep } from "node:timers/promises";`,
    ];
    return `${imports.join("\n")}\n${wait}\n${text}`;
  });
  load = await startLoad();
});

afterAll(async () => {
  await load?.stop();
  await tideway?.stop();
  if (copy !== undefined) rmSync(copy, { recursive: true, force: true });
});

test("killed while a candidate starts, control adopts it and goes on", async () => {
  declareRollout(STANDING);
  expect(await deploy()).toMatchObject({ code: 0 });
  const before = await view.reach(SERVICE, "starting", (one) => one.state === "starting");
  await until(() => pidsOf("payments-2").then((pids) => pids.length === 1), {
    deadlineMs: 30_000,
    what: "the candidate's process runs",
  });
  const [candidate] = await pidsOf("payments-2");
  await killControl();
  const after = await view.rollout(SERVICE);
  expect(after).toMatchObject({ rollout: before.rollout, state: "starting", weight: 0 });
  expect(await pidsOf("payments-2")).toEqual([candidate]);
  writeFileSync(gate, "");
  await view.reach(SERVICE, "progressing", ({ state }) => state === "progressing");
  const both = { stable: "payments-1", candidate: "payments-2", weight: WEIGHT };
  expect((await view.settled(SERVICE, both)).pids["payments-2"]).toBe(candidate);
});

test("killed while a rollout progresses or is paused, control leaves every share as it was", async () => {
  const both = { stable: "payments-1", candidate: "payments-2", weight: WEIGHT };
  const before = await view.settled(SERVICE, both);
  await killControl();
  expect(await view.rollout(SERVICE)).toMatchObject({ state: "progressing", weight: WEIGHT });
  expect(await view.settled(SERVICE, both)).toEqual(before);
  expect((await command("pause")).code).toBe(0);
  await killControl();
  expect(await view.rollout(SERVICE)).toMatchObject({ state: "paused", weight: WEIGHT });
  expect(await view.settled(SERVICE, both)).toEqual(before);
  process.kill(await tideway.pidOf("gateway"), "SIGKILL");
  await load.paidMore(2 * PER_SECOND);
  expect(await view.rollout(SERVICE)).toMatchObject({ state: "paused", weight: WEIGHT });
  expect(await view.settled(SERVICE, both)).toEqual(before);
});

test("killed right after a promotion, control finishes it: one revision, and the old one gone", async () => {
  const { rollout } = await view.rollout(SERVICE);
  await view.admin.promote({ params: { rolloutId: rollout }, body: { full: true } });
  await killControl();
  expect(await view.rollout(SERVICE)).toMatchObject({ state: "promoted" });
  await view.settled(SERVICE, { stable: "payments-2" });
});

test("killed while a step is undecided, and right after its abort, control goes on with either", async () => {
  declareRollout(UNDECIDED);
  expect(await deploy()).toMatchObject({ code: 0 });
  const { rollout } = await view.reach(SERVICE, "undecided", (one) => one.state === "inconclusive");
  const both = { stable: "payments-2", candidate: "payments-3", weight: WEIGHT };
  const before = await view.settled(SERVICE, both);
  await killControl();
  expect(await view.rollout(SERVICE)).toMatchObject({ state: "inconclusive", weight: WEIGHT });
  expect(await view.settled(SERVICE, both)).toEqual(before);
  await view.admin.abort({ params: { rolloutId: rollout }, body: {} });
  await killControl();
  expect(await view.rollout(SERVICE)).toMatchObject({ state: "aborted", weight: 0 });
  await view.settled(SERVICE, { stable: "payments-2" });
});

test("of two deploys at once one wins, and of a promote and an abort neither is half done", async () => {
  const answers = await Promise.all([deploy(), deploy()]);
  expect(answers.filter(({ code }) => code === 0)).toHaveLength(1);
  expect(answers.map(({ stderr }) => stderr).join("")).toContain("ROLLOUT_RUNNING");
  const { rollout } = await view.reach(SERVICE, "progressing", (one) => one.weight === WEIGHT);
  const params = { rolloutId: rollout };
  const acts = await Promise.allSettled([
    view.admin.promote({ params, body: { full: true } }),
    view.admin.abort({ params, body: {} }),
  ]);
  expect(acts.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  const ended = await view.rollout(SERVICE);
  expect(["promoted", "aborted"]).toContain(ended.state);
  const stable = ended.state === "promoted" ? "payments-3" : "payments-2";
  await view.settled(SERVICE, { stable });
});

test("a rollback returns to the revision before, and then to none after the first", async () => {
  const ended = await view.rollout(SERVICE);
  // payments-3 is stable if the promotion was faster than the abort.
  if (ended.state === "promoted") expect((await command("rollback")).code).toBe(0);
  await view.settled(SERVICE, { stable: "payments-2" });
  expect((await command("rollback")).code).toBe(0);
  await view.settled(SERVICE, { stable: "payments-1" });
  const none = await command("rollback");
  expect(none.code).not.toBe(0);
  expect(none.stderr).toContain("ROLLBACK_TARGET_MISSING");
});

test("a migration that fails is refused, and no traffic moves", async () => {
  const before = await view.rollout(SERVICE);
  const file = join(copy, "services/payments/migrations/0099_wrong.sql");
  writeFileSync(file, "create table half_made (id int);\nselect 1 / 0;\n");
  const answer = await deploy();
  rmSync(file);
  expect(answer.code).not.toBe(0);
  expect(answer.stderr).toContain("MIGRATION_FAILED");
  expect((await view.rollout(SERVICE)).rollout).toBe(before.rollout);
  await view.settled(SERVICE, { stable: "payments-1" });
  const database = await tideway.database("tideway_payments");
  const half = await database.query("select to_regclass('half_made') as name");
  await database.end();
  expect(half.rows[0]).toEqual({ name: null });
});

test("PostgreSQL killed during a rollout and payments: all is back by itself", async () => {
  declareRollout({ ...STANDING, stepSecondsMax: 603 });
  expect(await deploy()).toMatchObject({ code: 0 });
  const { to } = await view.reach(SERVICE, "progressing", (one) => one.weight === WEIGHT);
  const both = { stable: "payments-1", candidate: to, weight: WEIGHT };
  const before = await view.settled(SERVICE, both);
  process.kill(await tideway.pidOf("postgres"), "SIGKILL");
  const killedAtMs = performance.now();
  await load.paidMore(2 * PER_SECOND);
  note(`payments go on ${Math.round(performance.now() - killedAtMs)} ms after the kill`);
  // Both revisions failed people alike, so the common-mode guard may have stopped the clock.
  const rollout = await view.rollout(SERVICE);
  expect(["progressing", "paused"]).toContain(rollout.state);
  expect(rollout).toMatchObject({ to, weight: WEIGHT });
  expect(await view.settled(SERVICE, both)).toEqual(before);
  expect((await command("abort")).code).toBe(0);
  await view.settled(SERVICE, { stable: "payments-1" });
});

test("a second up is refused, and one after the supervisor was killed adopts what runs", async () => {
  const again = await up();
  expect(again.code).not.toBe(0);
  expect(again.stderr).toContain("ALREADY_RUNNING");
  const before = await Promise.all(PARTS.map((part) => tideway.pidOf(part)));
  const { pids } = await view.settled(SERVICE, { stable: "payments-1" });
  const failed = load.report().failures.length;
  process.kill(await supervisorPid(), "SIGKILL");
  expect(await up()).toMatchObject({ code: 0 });
  await load.paidMore(PER_SECOND);
  expect(await Promise.all(PARTS.map((part) => tideway.pidOf(part)))).toEqual(before);
  expect((await view.settled(SERVICE, { stable: "payments-1" })).pids).toEqual(pids);
  expect(load.report().failures.slice(failed)).toEqual([]);
});

test("SIGTERM drains: whatever was carried out was answered, and a rollout waits for the next up", async () => {
  await load.stop();
  rmSync(gate);
  declareRollout({ ...STANDING, stepSecondsMax: 604 });
  expect(await deploy()).toMatchObject({ code: 0 });
  await view.reach(SERVICE, "starting", (one) => one.state === "starting");
  const paidBefore = await paidInLedger();
  const last = await startLoad();
  await last.paidMore(PER_SECOND);
  process.kill(await supervisorPid(), "SIGTERM");
  await until(() => !existsSync(join(tideway.home, "run/supervisor.json")), {
    deadlineMs: 60_000,
    intervalMs: 100,
    what: "everything has ended",
  });
  const { acknowledged: answered, failures } = await last.stop();
  expect(failures.filter(({ status }) => status !== 0)).toEqual([]);
  writeFileSync(gate, "");
  expect(await up()).toMatchObject({ code: 0 });
  const paid = (await paidInLedger()) - paidBefore;
  expect(paid).toBe(answered.length);
  await view.reach(SERVICE, "progressing", (one) => one.weight === WEIGHT);
});

test("every payment that was acknowledged is in the ledger once", async () => {
  expect(acknowledged.length).toBeGreaterThan(100);
  const ledger = await tideway.database("tideway_ledger");
  const found = await ledger.query<{ reference: string; times: number; amount: string }>(
    `select reference, count(*)::int as times, sum(amount)::text as amount from transfers
     where code = 'payment' group by reference`,
  );
  await ledger.end();
  const byPayment = new Map(found.rows.map((row) => [row.reference, row]));
  const wrong = acknowledged.filter(({ payment, amount }) => {
    const row = byPayment.get(payment);
    return row?.times !== 1 || row.amount !== amount;
  });
  expect(wrong).toEqual([]);
});

const PARTS = ["postgres", "control", "gateway"];

interface Load {
  report(): TrafficReport;
  /** Waits until so many more payments went well, 60 s at most. */
  paidMore(count: number): Promise<void>;
  stop(): Promise<TrafficReport>;
}

async function startLoad(): Promise<Load> {
  const ending = new AbortController();
  const started = Promise.withResolvers<void>();
  let live: TrafficReport | null = null;
  const traffic = runTraffic({
    publicUrl: tideway.publicUrl,
    people,
    perSecond: PER_SECOND,
    seconds: 900,
    signal: ending.signal,
    onSecond: (report) => {
      live = report;
      started.resolve();
    },
  });
  await started.promise;
  const report = (): TrafficReport => {
    if (live === null) throw new Error("The load has not begun.");
    return live;
  };
  let stopped: Promise<TrafficReport> | null = null;
  const stop = async (): Promise<TrafficReport> => {
    ending.abort();
    const ended = await traffic;
    acknowledged.push(...ended.acknowledged);
    return ended;
  };
  return {
    report,
    paidMore: async (count) => {
      const before = report().acknowledged.length;
      await until(() => report().acknowledged.length >= before + count, {
        deadlineMs: 60_000,
        intervalMs: 50,
        what: `${count} more payments (last failure: ${JSON.stringify(report().failures.at(-1))})`,
      });
    },
    stop: () => (stopped ??= stop()),
  };
}

/** Another policy makes another revision. */
function declareRollout(policy: typeof STANDING): void {
  const path = join(copy, "services/payments/service.ts");
  const text = readFileSync(path, "utf8").replace(/\n {2}rollout: .*/, "");
  const rollout = JSON.stringify({ steps: [{ weight: WEIGHT }], ...policy });
  writeFileSync(path, text.replace("\n});", `\n  rollout: ${rollout},\n});`));
}

function deploy() {
  return tideway.tideway(["deploy", SERVICE, "--detach"], copy);
}

function command(name: string) {
  return tideway.tideway([name, SERVICE]);
}

function up() {
  return tideway.tideway(["up", "--detach", "--port", String(tideway.port)]);
}

/** Kills control and waits until its successor is there. */
async function killControl(): Promise<void> {
  const pid = await tideway.pidOf("control");
  process.kill(pid, "SIGKILL");
  await until(async () => (await tideway.pidOf("control").catch(() => pid)) !== pid, {
    deadlineMs: 30_000,
    intervalMs: 100,
    what: "another control runs",
  });
}

async function supervisorPid(): Promise<number> {
  // The supervisor's own file; docs/explain/parts.md.
  const file = readFileSync(join(tideway.home, "run/supervisor.json"), "utf8");
  return (JSON.parse(file) as { pid: number }).pid;
}

async function pidsOf(revision: string): Promise<number[]> {
  const { service } = await view.admin.service({ params: { service: SERVICE } });
  const lane = service.lanes.find((one) => one.revision === revision);
  return (lane?.instances ?? []).flatMap(({ pid }) => pid ?? []);
}

async function paidInLedger(): Promise<number> {
  const ledger = await tideway.database("tideway_ledger");
  const found = await ledger.query<{ count: number }>(
    "select count(*)::int as count from transfers where code = 'payment'",
  );
  await ledger.end();
  return found.rows[0]?.count ?? 0;
}

function note(text: string): void {
  console.error(text);
}
