/**
 * The gate where it stands: revisions of two small services in control's database and home, and
 * releases that it lets pass or refuses before anything of them is migrated.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { documentFiles } from "@tideway/compatibility";
import type { RevisionState } from "@tideway/engine";
import { defineErrors, isCoded, systemClock } from "@tideway/kernel";
import { defineApi, defineService, formatExpectations, toManifest } from "@tideway/schema";
import type { Expectation } from "@tideway/schema";
import { tx } from "@tideway/store";
import { testDatabase } from "@tideway/testkit";
import type { TestDatabase } from "@tideway/testkit";
import { Type } from "typebox";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createMetricHistory } from "../metric-history.ts";
import { checkUpload, storeRevision } from "../revision-files.ts";
import { createRolloutStarter } from "../rollouts.ts";
import type { RolloutStarter } from "../rollouts.ts";
import { addRevision, setStable } from "../store/revisions.ts";
import { createGate } from "./gate.ts";
import type { Gate } from "./gate.ts";
import { readObservedOnce } from "./observed-reader.ts";
import { findObserved } from "./observed-store.ts";

let database: TestDatabase;
let home: string;
let gate: Gate;
let starter: RolloutStarter;
let prepared: string[] = [];
/** What happens between the judgement and the rollout: as slow migrations would let it. */
let meanwhile: () => Promise<void> = () => Promise.resolve();
beforeAll(async () => {
  const migrations = join(import.meta.dirname, "../../migrations");
  database = await testDatabase({ service: "control", migrations });
  home = mkdtempSync(join(tmpdir(), "tw-gate-"));
  gate = createGate({ pool: database.pool, home });
  starter = createRolloutStarter({
    pool: database.pool,
    clock: systemClock,
    home,
    history: createMetricHistory(),
    wake: () => undefined,
    provisioning: {
      prepare: async ({ id }) => {
        prepared.push(id);
        await meanwhile();
      },
      environment: () => Promise.resolve({}),
    },
  });
});
afterAll(async () => {
  await database.close();
  rmSync(home, { recursive: true });
});
let round = 0;
let ledger: string;
let payments: string;
beforeEach(async () => {
  // Services of earlier tests are gone, so that each test has a world of its own.
  await database.pool.query("update services set stable = null");
  await database.pool.query("update rollouts set finished_at = now() where finished_at is null");
  round += 1;
  [ledger, payments] = [`ledger${round}`, `payments${round}`];
  prepared = [];
  meanwhile = () => Promise.resolve();
});

const BOTH = { available: Type.String(), openedAt: Type.String() };
const AVAILABLE = { available: BOTH.available };
const OPENED = { openedAt: BOTH.openedAt };
const apiOf = (name: string, fields: Parameters<typeof Type.Object>[0]) =>
  defineApi({
    name,
    version: "1.0.0",
    errors: defineErrors({}),
    routes: {
      account: {
        method: "GET",
        path: "/account",
        auth: "service",
        exposure: "internal",
        summary: "An account.",
        reply: Type.Object(fields),
      },
    },
  });
const reads = (path: string, type: Expectation["type"] = "string"): Expectation => {
  return { provider: ledger, operation: "GET /account", part: "reply", path, type };
};

interface Given {
  readonly fields?: Parameters<typeof Type.Object>[0];
  readonly expects?: readonly Expectation[];
  readonly text?: string;
}

function uploadOf(service: string, { fields = {}, expects, text = "" }: Given) {
  const api = apiOf(service, fields);
  const calls = service === payments ? [ledger] : [];
  const documents: Record<string, string> = { ...documentFiles(api) };
  if (expects) documents["expectations.json"] = formatExpectations(service, expects);
  const manifest = toManifest(defineService({ name: service, api, database: false, calls }));
  const texts = { ...documents, "main.mjs": `// ${text}` };
  const files = Object.entries(texts).map(([name, contents]) => {
    return [name, Buffer.from(contents).toString("base64")] as const;
  });
  return { service, manifest, documents, files: Object.fromEntries(files) };
}

/** As an upload does it: files, then the row. */
async function put(service: string, given: Given): Promise<string> {
  const checked = checkUpload(uploadOf(service, given));
  await storeRevision(home, checked);
  const { digest, manifest } = checked;
  const added = await tx(database.pool, (t) =>
    addRevision(t, { service, digest, manifest, createdBy: "test" }),
  );
  return added.row.revision;
}

async function live(service: string, given: Given): Promise<string> {
  const revision = await put(service, given);
  await setStable(database.pool, service, revision);
  return revision;
}

const release = (revision: string, acceptBreaking?: string) =>
  starter.release(revision, "operator test", { acceptBreaking }).then(
    () => null,
    (error: unknown) => {
      if (isCoded(error)) return error;
      throw error;
    },
  );

test("a release that drops a field which payments reads is refused, and names the reader", async () => {
  await live(ledger, { fields: BOTH });
  const reader = await live(payments, { expects: [reads("available")] });
  const candidate = await put(ledger, { fields: OPENED });
  const refused = await release(candidate);
  expect(refused?.code).toBe("API_INCOMPATIBLE");
  expect(refused?.given).toMatchObject({ revision: candidate, count: 1 });
  const { findings } = refused?.given ?? {};
  expect(findings).toContain(`${reader} (stable)`);
  expect(findings).toContain("GET /account .available");
  expect(findings).toContain("field-missing at /paths/~1account/get/responses/200");
  // Nothing of it was prepared: no migration of a release that cannot be.
  expect(prepared).toEqual([]);
});

test("a release that drops a field which nobody reads passes, and the matrix says so", async () => {
  await live(ledger, { fields: BOTH });
  const reader = await live(payments, { expects: [reads("available")] });
  const candidate = await put(ledger, { fields: AVAILABLE });
  expect(await release(candidate)).toBeNull();
  const rows = await database.pool.query(
    "select verdict from compatibility_matrix where consumer_revision = $1 and provider_revision = $2",
    [reader, candidate],
  );
  expect(rows.rows).toEqual([{ verdict: "compatible" }]);
});

test("an operator's reason lets it pass; a return to the revision before needs none", async () => {
  const first = await live(ledger, { fields: BOTH });
  await live(payments, { expects: [reads("available")] });
  const candidate = await put(ledger, { fields: OPENED });
  expect(await release(candidate, "payments is switched off tonight")).toBeNull();
  await database.pool.query("update rollouts set finished_at = now(), phase = 'promoted'");
  await setStable(database.pool, ledger, candidate);
  await live(payments, { expects: [reads("openedAt")], text: "2" });
  await starter.rollBack(ledger, first, "operator test");
  expect(prepared).toEqual([candidate, first]);
});

test("a rollback past the revision before meets the gate, or gives a reason", async () => {
  await live(ledger, { fields: BOTH });
  await live(payments, { expects: [reads("available")] });
  const candidate = await put(ledger, { fields: OPENED });
  expect((await release(candidate))?.code).toBe("API_INCOMPATIBLE");
  const back = starter.rollBack(ledger, candidate, "operator test");
  await expect(back).rejects.toMatchObject({ code: "API_INCOMPATIBLE" });
  expect(prepared).toEqual([]);
  const acceptBreaking = "payments is switched off tonight";
  await starter.rollBack(ledger, candidate, "operator test", { acceptBreaking });
  expect(prepared).toEqual([candidate]);
});

test("what a rollback would return to is a reader, too", async () => {
  await live(ledger, { fields: BOTH });
  const old = await put(payments, { expects: [reads("openedAt")] });
  const now = await put(payments, { expects: [reads("available")] });
  await setStable(database.pool, payments, now);
  await database.pool.query(
    `insert into rollouts (rollout, service, from_revision, to_revision, state, phase, started_by,
       finished_at) values ($1, $2, $3, $4, '{}', 'promoted', 'test', now())`,
    [`rol_${round}`, payments, old, now],
  );
  const refused = await release(await put(ledger, { fields: AVAILABLE }));
  expect(refused?.given["findings"]).toContain(`${old} (rollback)`);
});

test("a reader of what is not told is refused, and sent to check its own api", async () => {
  await live(ledger, { fields: OPENED });
  const candidate = await put(payments, { expects: [reads("available")] });
  const refused = await release(candidate);
  expect(refused?.code).toBe("API_INCOMPATIBLE");
  expect(refused?.given).toMatchObject({ revision: candidate, service: payments, count: 1 });
  expect(refused?.action).toContain(`tideway check api ${payments} `);
});

test("of two releases that pass alone and not together, the second is refused", async () => {
  await live(ledger, { fields: BOTH });
  await live(payments, { expects: [reads("available")] });
  const dropping = await put(ledger, { fields: AVAILABLE });
  const reading = await put(payments, { expects: [reads("openedAt")] });
  // While the first one migrates, the other one is judged, too, and begins.
  meanwhile = async () => {
    meanwhile = () => Promise.resolve();
    expect(await release(reading)).toBeNull();
  };
  const refused = await release(dropping);
  expect(refused?.code).toBe("API_INCOMPATIBLE");
  expect(refused?.given["findings"]).toContain(`${reading} (candidate)`);
});

test("a working tree is told the same, and nothing is written of it", async () => {
  await live(ledger, { fields: BOTH });
  await live(payments, { expects: [reads("available")] });
  const before = await database.pool.query("select count(*) from compatibility_matrix");
  const judged = await gate.check(uploadOf(ledger, { fields: OPENED }));
  expect(judged.verdict).toBe("incompatible");
  expect(judged.findings[0]).toMatchObject({ consumer: payments, property: "available" });
  expect((await gate.check(uploadOf(ledger, { fields: AVAILABLE }))).verdict).toBe("compatible");
  const after = await database.pool.query("select count(*) from compatibility_matrix");
  expect(after.rows).toEqual(before.rows);
});

test("documents that are none are refused at the upload, and every byte of them is in the digest", async () => {
  const whole = uploadOf(ledger, { fields: BOTH });
  const change = (name: string, text: string) => () =>
    checkUpload({
      ...whole,
      files: { ...whole.files, [name]: Buffer.from(text).toString("base64") },
    });
  for (const [name, text] of [
    ["openapi.json", "{"],
    ["openapi.json", "[]"],
    ["asyncapi.json", '{"asyncapi":"2.6.0"}'],
    ["expectations.json", '{"expectationsVersion":1,"consumer":"other","expects":[]}'],
    ["expectations.json", '{"expectationsVersion":1,"expects":[{"provider":"x"}]}'],
  ] as const) {
    expect(change(name, text)).toThrow(expect.objectContaining({ code: "REVISION_INVALID" }));
  }
  const digest = checkUpload(whole).digest;
  const other = checkUpload(uploadOf(ledger, { fields: AVAILABLE })).digest;
  expect(other).not.toBe(digest);
});

test("what instances were seen to read is asked of each, kept once, and counts at the gate", async () => {
  await live(ledger, { fields: BOTH });
  const reader = await live(payments, { expects: [reads("available")] });
  const seen = { consumer: payments, expects: [reads("openedAt"), reads("openedAt")] };
  const instance = createServer((request, reply) => {
    reply.end(request.url === "/tideway/expectations" ? JSON.stringify(seen) : "");
  });
  await new Promise<void>((resolve) => instance.listen(0, "127.0.0.1", resolve));
  // A listening TCP server has an AddressInfo, never a string.
  const { port } = instance.address() as { port: number };
  const running = new Map([[reader, stateOf(reader, [port, 9])]]);
  const { signal } = new AbortController();
  expect(await readObservedOnce({ pool: database.pool, running }, signal)).toBe(1);
  expect(await readObservedOnce({ pool: database.pool, running }, signal)).toBe(0);
  instance.close();
  expect(await findObserved(database.pool, reader)).toEqual([reads("openedAt")]);
  const refused = await release(await put(ledger, { fields: AVAILABLE }));
  expect(refused?.given["findings"]).toContain(`${reader} (stable)`);
});

/** A revision with an instance at each port; at 9 nobody answers. */
function stateOf(revision: string, ports: readonly number[]): RevisionState {
  return {
    revision,
    epoch: 1,
    bounds: { min: 1, max: 2 },
    failure: null,
    instances: ports.map((port) => ({
      instance: `ins_${port}`,
      url: `http://127.0.0.1:${port}`,
      status: "ready",
      pid: null,
      startedAtMs: 0,
      readyAtMs: 0,
      restarts: 0,
      authHash: "",
      assertionKey: "",
      failure: null,
    })),
  };
}
