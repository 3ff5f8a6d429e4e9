/**
 * Releases of services that live by events, in a running installation. Three services throw balls to
 * each other in a ring (test/fixtures/ring). What must hold: a candidate that fails its share of the
 * events is withdrawn by the judge, and every event is applied once and in the order of its key, by
 * the old revision where the candidate failed; a release that drops what payments reads is refused
 * and says so, one that drops what nobody reads passes.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "@tideway/kernel";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RING } from "../fixtures/ring/ring-api.ts";
import type { RingName } from "../fixtures/ring/ring-api.ts";
import { addRing } from "../fixtures/ring/ring-copy.ts";
import { copyCheckout, install } from "./harness.ts";
import type { Installation } from "./harness.ts";

const KEYS = 3_000;
const COMMITS_PER_SECOND = 20;
const PER_COMMIT = 10;
const SECONDS = 60;

let tideway: Installation;
const copies: string[] = [];

beforeAll(async () => {
  tideway = await install({ TIDEWAY_IDENTITY_SCRYPT_N: "1024" });
  const from = copyWithRing();
  for (const name of RING) {
    const released = await tideway.tideway(["deploy", name], from);
    expect(released, released.stderr).toMatchObject({ code: 0 });
  }
});

afterAll(async () => {
  await tideway.stop();
  for (const copy of copies) rmSync(copy, { recursive: true, force: true });
});

test("a candidate that fails its share of events is withdrawn, and each is applied once, in order", async () => {
  const from = copyWithRing((file, text, name) =>
    file === "ring-service.ts" && name === "east"
      ? text.replace(CATCH, `${CATCH}\n    if (Math.random() < 0.5) throw new Error("dropped it");`)
      : text,
  );
  const thrown = throwBalls("north");
  const answer = await tideway.tideway(["deploy", "east", "--json"], from);
  expect(answer.code, answer.stderr).toBe(4);
  // The command documents this shape.
  const report = JSON.parse(answer.stdout) as Report;
  console.error(report.decisions[0]?.text);
  expect(report).toMatchObject({ state: "withdrawn", weight: 0 });
  expect(report.badRequests.map(({ route }) => route)).toContain("POST /tideway/events");
  const { thrown: count } = await thrown;
  await until(async () => (await catches("east")).total >= count, {
    deadlineMs: 120_000,
    intervalMs: 500,
    what: `all ${count} balls are caught`,
  });
  expect(await catches("east")).toEqual({ total: count, different: count, outOfOrder: 0 });
  expect(await quarantined()).toBe(0);
});

test("a release that drops a field that payments reads is refused, and says who reads it", async () => {
  const from = copyWithLedger((text) => text.replace(/\n {2}available: [^\n]+\n/, "\n"));
  const refused = await tideway.tideway(["deploy", "ledger"], from);
  console.error(refused.stderr);
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain("API_INCOMPATIBLE");
  expect(refused.stderr).toMatch(/payments-1 .*GET \/accounts.*available/);
  const { stdout } = await tideway.tideway(["get", "services", "--json"]);
  expect(stdout).toMatch(/"service":\s*"ledger",\s*"stable":\s*"ledger-1"/);
});

test("a release that drops a field nobody reads passes the gate", async () => {
  const from = copyWithLedger((text) => text.replace("\n  openedAt: Timestamp,\n", "\n"));
  const checked = await tideway.tideway(["check", "api", "ledger"], from);
  expect(checked, checked.stdout + checked.stderr).toMatchObject({ code: 0 });
  const begun = await tideway.tideway(["deploy", "ledger", "--detach"], from);
  expect(begun, begun.stderr).toMatchObject({ code: 0 });
  const aborted = await tideway.tideway(["abort", "ledger"], from);
  expect(aborted, aborted.stderr).toMatchObject({ code: 0 });
});

function copyWithLedger(patch: (text: string) => string): string {
  const copy = copyCheckout();
  copies.push(copy);
  const path = join(copy, "apis/ledger/src/http.ts");
  const before = readFileSync(path, "utf8");
  const after = patch(before);
  expect(after).not.toBe(before);
  writeFileSync(path, after);
  return copy;
}

const CATCH = `async (t, { data, key, id }) => {`;

interface Report {
  readonly state: string;
  readonly weight: number;
  readonly decisions: readonly { readonly text: string }[];
  readonly badRequests: readonly { readonly route: string }[];
}

async function throwBalls(name: RingName): Promise<{ commits: number; thrown: number }> {
  const reply = await fetch(`${tideway.publicUrl}/api/${name}/throws`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      seconds: SECONDS,
      commitsPerSecond: COMMITS_PER_SECOND,
      perCommit: PER_COMMIT,
      keys: KEYS,
      waitingMax: 0,
      padBytes: 100,
    }),
  });
  const answer: unknown = await reply.json();
  if (reply.status !== 200) throw new Error(JSON.stringify(answer));
  // The route's own schema.
  return answer as { commits: number; thrown: number };
}

/** What the consumer's own table says. */
async function catches(name: RingName) {
  const client = await tideway.database(`tideway_${name}`);
  try {
    const found = await client.query<{ total: number; different: number; out_of_order: number }>(
      `select count(*)::int as total, count(distinct event_id)::int as different,
              count(*) filter (where number < before)::int as out_of_order
       from (select event_id, number, lag(number) over (partition by key order by place) as before
             from catches) as c`,
    );
    const { total = 0, different = 0, out_of_order: outOfOrder = 0 } = found.rows[0] ?? {};
    return { total, different, outOfOrder };
  } finally {
    await client.end();
  }
}

async function quarantined(): Promise<number> {
  const answer = await tideway.tideway(["events", "--json"]);
  expect(answer.code, answer.stderr).toBe(0);
  // The command documents this shape.
  const groups = JSON.parse(answer.stdout) as { keysQuarantined: number }[];
  return groups.reduce((sum, { keysQuarantined }) => sum + keysQuarantined, 0);
}

function copyWithRing(patch?: (file: string, text: string, name: RingName) => string): string {
  const copy = copyCheckout();
  copies.push(copy);
  addRing(copy, patch);
  return copy;
}
