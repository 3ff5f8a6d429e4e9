/**
 * Releases under real money. People pay each other all the time, through the gateway and three
 * services, while payments is replaced by a good revision, by one that fails 30 % of requests and
 * by one that cannot start, and while control, the gateway and a stable instance are killed.
 * What must hold: nobody notices a good release or a kill, a bad one is gone within 15 s of its
 * first bad answer, and every acknowledged payment is in the ledger once.
 */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { until } from "@tideway/kernel";
import { afterAll, beforeAll, expect, test } from "vitest";
import { signInPeople } from "../../platform/cli/src/demo/people.ts";
import type { DemoPerson } from "../../platform/cli/src/demo/people.ts";
import { quantileMs, runTraffic } from "../../platform/cli/src/demo/traffic.ts";
import type { Failure, TrafficReport } from "../../platform/cli/src/demo/traffic.ts";
import { install, patchedCopy } from "./harness.ts";
import type { Installation } from "./harness.ts";

const PEOPLE = 4_000;
const PER_SECOND = 100;
/** The traffic ends when the test does; this only bounds it. */
const TRAFFIC_SECONDS = 900;
const BACK_MS_MAX = 15_000;
const HANDLER = "services/payments/src/http/send-payment.ts";
const HANDLER_START = "return async (request) => {";
const MAIN = "services/payments/src/main.ts";

let tideway: Installation;
let people: DemoPerson[];
let traffic: Promise<TrafficReport>;
let live: TrafficReport;
const ending = new AbortController();
const copies: string[] = [];

beforeAll(async () => {
  tideway = await install({ TIDEWAY_IDENTITY_SCRYPT_N: "1024" });
  const { publicUrl } = tideway;
  const startedAtMs = performance.now();
  people = await signInPeople({
    publicUrl,
    count: PEOPLE,
    signal: ending.signal,
    concurrency: 16,
  });
  note(`${PEOPLE} people signed in and have money after ${since(startedAtMs)}`);
  const started = Promise.withResolvers<void>();
  traffic = runTraffic({
    publicUrl,
    people,
    perSecond: PER_SECOND,
    seconds: TRAFFIC_SECONDS,
    signal: ending.signal,
    onSecond: (report) => {
      live = report;
      started.resolve();
    },
  });
  await started.promise;
});

afterAll(async () => {
  ending.abort();
  await traffic;
  await tideway.stop();
  for (const copy of copies) rmSync(copy, { recursive: true, force: true });
});

test("a good revision goes to 100 % with no failed request, though control is killed meanwhile", async () => {
  const from = patched(HANDLER, (text) =>
    text.replace(
      HANDLER_START,
      `${HANDLER_START}\n    performance.mark("another build of the same behaviour");`,
    ),
  );
  const window = openWindow();
  const deploy = tideway.tideway(["deploy", "payments"], from);
  await until(() => atWeight(25), { deadlineMs: 120_000, intervalMs: 500, what: "25 %" });
  process.kill(await tideway.pidOf("control"), "SIGKILL");
  const answer = await deploy;
  const { raw } = window.close();
  expect(raw).toEqual([]);
  expect(answer).toMatchObject({ code: 0 });
  expect(await stable()).toBe("payments-2");
  note(answer.stderr);
});

test("a killed gateway and a killed instance cost nothing that one retry does not mend", async () => {
  const window = openWindow();
  process.kill(await tideway.pidOf("gateway"), "SIGKILL");
  await paidMore(3 * PER_SECOND);
  process.kill(await instancePid(), "SIGKILL");
  // Whose payment the killed one was carrying out waits for the end of its lease, 5 s.
  await paidMore(8 * PER_SECOND);
  const { raw, failures } = window.close();
  note(`raw failures by the two kills: ${raw.length} (${codesOf(raw)})`);
  expect(failures).toEqual([]);
});

test("a revision that fails 30 % is back at 0 % within 15 s of its first bad answer", async () => {
  const from = patched(HANDLER, (text) =>
    text.replace(
      HANDLER_START,
      `${HANDLER_START}\n    if (Math.random() < 0.3) throw new Error("broken");`,
    ),
  );
  const window = openWindow();
  const answer = await tideway.tideway(["deploy", "payments", "--json"], from);
  await paidMore(2 * PER_SECOND);
  const { failures } = window.close();
  expect(answer.code).toBe(4);
  const log = accessLog().filter((line) => line.revision === "payments-3");
  const firstBad = log.find(({ status }) => status >= 500);
  const last = log.at(-1);
  const backMs = Date.parse(last?.time ?? "") - Date.parse(firstBad?.time ?? "");
  const bad = log.filter(({ status }) => status >= 500).length;
  note(
    `from the first bad answer to the last request: ${backMs} ms; ${log.length} requests, ${bad} bad`,
  );
  // The command documents this shape.
  const report = JSON.parse(answer.stdout) as Report;
  note(report.decisions[0]?.text ?? "");
  expect(backMs).toBeLessThan(BACK_MS_MAX);
  expect(report).toMatchObject({ state: "withdrawn", weight: 0 });
  expect(report.badRequests.length).toBeGreaterThan(0);
  note(`people whose retry failed too: ${failures.length} (${codesOf(failures)})`);
  expect(failures.length).toBeLessThanOrEqual(bad);
  expect(failures.every(({ status }) => status === 500)).toBe(true);
  expect(await stable()).toBe("payments-2");
});

test("a revision that cannot start never gets traffic, and the report says why", async () => {
  const from = patched(MAIN, (text) => `throw new Error("no such luck");\n${text}`);
  const window = openWindow();
  const answer = await tideway.tideway(["deploy", "payments", "--json"], from);
  const { raw } = window.close();
  const report = JSON.parse(answer.stdout) as Report;
  expect(answer.code).toBe(4);
  expect(report.state).toBe("failed");
  expect(report.failureLog.join("\n")).toContain("no such luck");
  expect(accessLog().filter((line) => line.revision === "payments-4")).toEqual([]);
  expect(raw).toEqual([]);
});

test("every acknowledged payment is in the ledger once, and the ledger sums to zero", async () => {
  ending.abort();
  const report = await traffic;
  const p99 = quantileMs(report.latenciesMs, 0.99);
  const p50 = quantileMs(report.latenciesMs, 0.5);
  note(
    `${report.acknowledged.length} paid, ${report.dropped} dropped, p50 ${p50} ms, p99 ${p99} ms`,
  );
  expect(report.dropped).toBe(0);
  expect(report.acknowledged.length).toBeGreaterThan(10_000);
  const ledger = await tideway.database("tideway_ledger");
  try {
    await expectEveryPayment(ledger, report);
    const balance = await ledger.query<{ asset: string; off: string }>(
      `select asset, sum(debits_posted - credits_posted)::text as off from accounts group by asset`,
    );
    expect(balance.rows.length).toBeGreaterThan(0);
    for (const { off } of balance.rows) expect(off).toBe("0");
    const overdrawn = await ledger.query(
      "select 1 from accounts where code = 210 and debits_posted + debits_pending > credits_posted",
    );
    expect(overdrawn.rowCount).toBe(0);
  } finally {
    await ledger.end();
  }
});

interface Report {
  readonly state: string;
  readonly weight: number;
  readonly decisions: readonly { readonly text: string }[];
  readonly badRequests: readonly unknown[];
  readonly failureLog: readonly string[];
}

async function expectEveryPayment(
  ledger: Awaited<ReturnType<Installation["database"]>>,
  report: TrafficReport,
): Promise<void> {
  const found = await ledger.query<{ reference: string; times: number; amount: string }>(
    `select reference, count(*)::int as times, sum(amount)::text as amount from transfers
     where code = 'payment' group by reference`,
  );
  const byPayment = new Map(found.rows.map((row) => [row.reference, row]));
  const wrong = report.acknowledged.filter(({ payment, amount }) => {
    const row = byPayment.get(payment);
    return row?.times !== 1 || row.amount !== amount;
  });
  expect(wrong).toEqual([]);
  expect(new Set(report.acknowledged.map(({ payment }) => payment)).size).toBe(
    report.acknowledged.length,
  );
}

function patched(file: string, patch: (text: string) => string): string {
  const copy = patchedCopy(file, patch);
  copies.push(copy);
  return copy;
}

/** What fails between now and `close`. */
function openWindow() {
  const [raw, failures] = [live.rawFailures.length, live.failures.length];
  return {
    close: () => ({
      raw: live.rawFailures.slice(raw),
      failures: live.failures.slice(failures),
    }),
  };
}

async function paidMore(count: number): Promise<void> {
  const before = live.acknowledged.length;
  await until(() => live.acknowledged.length >= before + count, {
    deadlineMs: 60_000,
    intervalMs: 100,
    what: `${count} more payments`,
  });
}

async function services() {
  const answer = await tideway.tideway(["get", "services", "--json"]);
  // The command documents this shape.
  return JSON.parse(answer.stdout || "[]") as {
    service: string;
    stable: string;
    weight: number;
    lanes: { revision: string; instances: { status: string; pid: number }[] }[];
  }[];
}

async function payments() {
  return (await services()).find(({ service }) => service === "payments");
}

async function atWeight(weight: number): Promise<boolean> {
  return ((await payments())?.weight ?? 0) >= weight;
}

async function stable(): Promise<string | undefined> {
  return (await payments())?.stable;
}

async function instancePid(): Promise<number> {
  const service = await payments();
  const lane = service?.lanes.find(({ revision }) => revision === service.stable);
  const pid = lane?.instances.find(({ status }) => status === "ready")?.pid;
  if (pid === undefined) throw new Error("payments has no ready instance to kill.");
  return pid;
}

function accessLog(): { time: string; revision: string | null; status: number }[] {
  return readFileSync(join(tideway.home, "logs/access.log"), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { time: string; revision: string | null; status: number });
}

function codesOf(failures: readonly Failure[]): string {
  return [...new Set(failures.map(({ code }) => code))].join(", ") || "none";
}

function since(startedAtMs: number): string {
  return `${((performance.now() - startedAtMs) / 1_000).toFixed(1)} s`;
}

function note(text: string): void {
  console.error(text.trimEnd());
}
