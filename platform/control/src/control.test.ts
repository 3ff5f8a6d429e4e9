/** Control as a whole, in this process: its api over HTTP, a real gateway, real instances. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { ADMIN_BASE_PATH, ADMIN_STREAM_PATH, DEMO_OPERATOR, adminApi } from "@tideway/api-admin";
import type { Rollout } from "@tideway/api-admin";
import { createClient } from "@tideway/client";
import type { ClientOf, FetchLike } from "@tideway/client";
import { newId, until } from "@tideway/kernel";
import { createPool, withDatabase } from "@tideway/store";
import type { Pool } from "@tideway/store";
import { authHashOf } from "@tideway/trust";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { startControl } from "./control.ts";
import type { Control } from "./control.ts";
import { openTestPlatform } from "./test/platform.ts";
import type { TestPlatform } from "./test/platform.ts";
import { manifestOf, uploadOf } from "./test/small-service.ts";
import type { SmallRevision } from "./test/small-service.ts";

let platform: TestPlatform;
let control: Control;
let admin: ClientOf<typeof adminApi>;
let origin: string;
let superuser: Pool;
let service: string;
let services = 0;
/** Set by the last test, which ends control. */
let left: Promise<void> | null = null;
const postgresUrl = process.env["TIDEWAY_TEST_POSTGRES_URL"] ?? "";

beforeAll(async () => {
  platform = await openTestPlatform();
  await platform.restartGateway();
  const config = {
    home: platform.home,
    postgresUrl,
    profile: "demo",
    publicUrl: "http://127.0.0.1:1",
    internalUrl: "http://127.0.0.1:1",
    operatorsUrl: "http://127.0.0.1:1",
    listen: { port: 0, host: "127.0.0.1" },
  } as const;
  control = await startControl(config, {}, platform.logger);
  // A listening TCP server has an AddressInfo, never a string.
  const { port } = control.app.server.address() as { port: number };
  origin = `http://127.0.0.1:${port}`;
  superuser = createPool({ url: postgresUrl, connectionsMax: 2, applicationName: "test" });
  admin = clientOf(readFileSync(join(platform.home, "secrets/operator.token"), "utf8").trim());
});
afterAll(async () => {
  await superuser.end();
  await (left ?? control.leave());
  await platform.close();
});
beforeEach(() => {
  service = `unit${++services}`;
});

/** Host is what the console's address says, whatever port the test got. */
const fetchAsConsole: FetchLike = (url, init) =>
  control.app
    .inject({
      // The client sends plain strings; injected, the Host can be the console's own.
      method: (init.method ?? "GET") as "GET",
      url: url.slice(origin.length),
      headers: { ...Object.fromEntries(new Headers(init.headers)), host: "127.0.0.1:1" },
      ...(typeof init.body === "string" ? { payload: init.body } : {}),
    })
    .then(({ body, statusCode, headers }) => {
      const given = Object.entries(headers).map(([name, value]) => [name, String(value)]);
      return new Response(body, { status: statusCode, headers: Object.fromEntries(given) });
    });
const clientOf = (token: string) =>
  createClient(adminApi, {
    baseUrl: origin + ADMIN_BASE_PATH,
    token: () => token,
    fetch: fetchAsConsole,
  });
const codeOf = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => "done",
    (error: unknown) => Reflect.get(Object(error), "code"),
  );
const upload = async (
  given: Omit<SmallRevision, "service">,
  migrations: Readonly<Record<string, string>> = {},
) => {
  const made = uploadOf({ service, ...given });
  const files = Object.entries(migrations).map(([name, sql]) => {
    return [`migrations/${name}`, Buffer.from(sql).toString("base64")] as const;
  });
  const body = { ...made, files: { ...made.files, ...Object.fromEntries(files) } };
  return (await admin.putRevision({ body })).revision;
};
const release = (revision: string) => admin.startRollout({ body: { revision } });
const ended = (rollout: string): Promise<Rollout> =>
  until(
    async () => {
      const now = await admin.rollout({ params: { rolloutId: rollout } });
      return now.finishedAt !== null && now;
    },
    { deadlineMs: 25_000, intervalMs: 50, what: `${rollout} ends` },
  );
const auditOf = async (subject: string) => {
  const { entries } = await admin.audit({ query: { limit: 200 } });
  return entries.filter(
    (entry) => entry.subject.startsWith(subject) || entry.detail.includes(subject),
  );
};

test("a first release that failed does not stand in the way of the next one, nor of itself", async () => {
  const bad = await upload({ text: "1", before: `process.exit(3);` });
  const failed = await ended((await release(bad)).rollout);
  expect(failed).toMatchObject({ state: "failed", from: null });
  const again = await release(bad);
  expect((await ended(again.rollout)).state).toBe("failed");
  const good = await upload({ text: "2" });
  expect(await ended((await release(good)).rollout)).toMatchObject({ state: "promoted" });
  const shown = await admin.service({ params: { service } });
  expect(shown.revisions.map(({ role }) => role)).toEqual(["stable", "withdrawn"]);
  expect(await codeOf(release(good))).toBe("REVISION_IS_STABLE");
});

test("what an operator asks of a rollout that is over, or of none, is told so", async () => {
  const { rollout } = await release(await upload({ text: "1" }));
  await ended(rollout);
  const ask = (rolloutId: string) => codeOf(admin.abort({ params: { rolloutId }, body: {} }));
  expect(await ask(rollout)).toBe("ROLLOUT_NOT_RUNNING");
  expect(await ask(newId("rol"))).toBe("ROLLOUT_UNKNOWN");
  expect(await codeOf(admin.metrics({ params: { service: "nobody" }, query: {} }))).toBe(
    "SERVICE_UNKNOWN",
  );
  const rollback = codeOf(admin.rollback({ params: { service }, body: {} }));
  expect(await rollback).toBe("ROLLBACK_TARGET_MISSING");
});

test("each act is in the audit log, refused ones with their code", async () => {
  const revision = await upload({ text: "1" });
  const { rollout } = await release(revision);
  await ended(rollout);
  await codeOf(release(revision));
  await codeOf(admin.pause({ params: { rolloutId: rollout }, body: { reason: "lunch" } }));
  await codeOf(admin.rollback({ params: { service }, body: {} }));
  const { name } = DEMO_OPERATOR;
  await codeOf(admin.signIn({ body: { name, password: "wrong" } }));
  const signedIn = await admin.signIn({ body: DEMO_OPERATOR });
  const acts = (await auditOf(service)).map(({ action, detail }) => `${action} ${detail}`);
  expect(acts.toReversed()).toEqual([
    expect.stringMatching(/^revision.upload [0-9a-f]{64}$/),
    `rollout.start ${rollout}`,
    "rollout.start.refused REVISION_IS_STABLE",
    expect.stringMatching(/^rollout.pause.refused ROLLOUT_NOT_RUNNING .*: lunch$/),
    "rollout.rollback.refused ROLLBACK_TARGET_MISSING",
  ]);
  const own = (await auditOf(signedIn.operator)).map(({ action }) => action);
  expect(own.slice(0, 2)).toEqual(["operator.sign-in", "operator.sign-in.refused"]);
});

test("the bus is one of the parts, and what it is asked while it is away is told as such", async () => {
  const { parts } = await admin.status();
  expect(parts.find(({ part }) => part === "bus")).toMatchObject({ state: "down" });
  expect(await codeOf(admin.eventGroups())).toBe("BUS_AWAY");
  // A key may look like a number: what the schema calls a text is one.
  expect(await codeOf(admin.eventLog({ query: { key: "12345", limit: 5 } }))).toBe("BUS_AWAY");
  expect((await admin.sagas({ query: { attention: true, limit: 5 } })).items).toEqual([]);
  const secrets = ["bus", "control"].map((name) =>
    readFileSync(join(platform.home, `secrets/${name}.secret`), "utf8").trim(),
  );
  expect(secrets.every((secret) => /^[0-9a-f]{64}$/.test(secret))).toBe(true);
  const file = join(platform.home, "secrets/database/bus.json");
  await until(() => existsSync(file), { deadlineMs: 10_000, what: "the bus's addresses" });
  // The gateway's own file: it knows both by the hashes of their secrets.
  const config: unknown = JSON.parse(
    readFileSync(join(platform.home, "gateway/config.json"), "utf8"),
  );
  expect(config).toMatchObject({
    platformCallers: secrets.map((secret, index) => {
      return { name: ["bus", "control"][index], authHash: authHashOf(secret) };
    }),
  });
});

test("of two releases at once the one that loses has not migrated anything", async () => {
  const change = { database: true } as const;
  const slow = { "0001_slow.sql": "create table slow (); select pg_sleep(1);" };
  const first = await upload({ text: "1", change }, slow);
  const second = await upload(
    { text: "2", change },
    { ...slow, "0002_new.sql": "create table new ();" },
  );
  const winner = release(first);
  await until(
    async () =>
      (
        await superuser.query(
          "select 1 from pg_stat_activity where query like '%pg_sleep(1)%' and pid <> pg_backend_pid()",
        )
      ).rowCount !== 0,
    { deadlineMs: 10_000, what: "the first migrates" },
  );
  expect(await codeOf(release(second))).toBe("ROLLOUT_RUNNING");
  expect(await ended((await winner).rollout)).toMatchObject({ state: "promoted", to: first });
  const own = createPool({
    url: withDatabase(postgresUrl, `tideway_${service}`),
    connectionsMax: 1,
    applicationName: "test",
  });
  const tables = await own.query("select to_regclass('slow') as slow, to_regclass('new') as new");
  await own.end();
  expect(tables.rows[0]).toEqual({ slow: "slow", new: null });
});

test("a migration that waits for a lock gives up within seconds, and no rollout begins", async () => {
  const change = { database: true } as const;
  const one = { "0001_things.sql": "create table things (id int);" };
  await ended((await release(await upload({ text: "1", change }, one))).rollout);
  const own = createPool({
    url: withDatabase(postgresUrl, `tideway_${service}`),
    connectionsMax: 1,
    applicationName: "test",
  });
  const holder = await own.connect();
  await holder.query("begin; lock table things in access share mode");
  const two = { ...one, "0002_more.sql": "alter table things add column more int;" };
  const blocked = await upload({ text: "2", change }, two);
  expect(await codeOf(release(blocked))).toBe("MIGRATION_FAILED");
  await holder.query("rollback");
  holder.release();
  await own.end();
  const latest = await admin.latestRollout({ params: { service } });
  expect(latest).toMatchObject({ state: "promoted", to: `${service}-1` });
});

test("control outlives the loss of all its connections in the middle of a rollout", async () => {
  const gate = join(platform.home, `gate-${service}`);
  const before = `await new Promise((go) => setInterval(() => existsSync(${JSON.stringify(gate)}) && go(), 20));`;
  const { rollout } = await release(await upload({ text: "1", before }));
  for (let i = 0; i < 3; i++) {
    await superuser.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tideway-control'",
    );
  }
  writeFileSync(gate, "");
  const done = await until(() => ended(rollout).catch(() => false as const), {
    deadlineMs: 25_000,
    what: "the rollout ends",
  });
  expect(done).toMatchObject({ state: "promoted" });
});

test("a rollout that nobody can read does not stop the others", async () => {
  const poisoned = service;
  const one = await upload({ text: "1" });
  await ended((await release(one)).rollout);
  const two = await upload({ text: "2" });
  const own = createPool({
    url: withDatabase(postgresUrl, "tideway_control"),
    connectionsMax: 1,
    applicationName: "test",
  });
  const plan = { from: one, to: two };
  const state = { name: "of another time", finishedAtMs: null, plan };
  await own.query(
    `insert into rollouts (rollout, service, from_revision, to_revision, state, phase, started_by)
     values ($1, $2, $3, $4, $5, 'starting', 'test')`,
    [newId("rol"), poisoned, one, two, JSON.stringify(state)],
  );
  service = `${service}-b`;
  const other = await release(await upload({ text: "3" }));
  expect(await ended(other.rollout)).toMatchObject({ state: "promoted" });
  const shown = await admin.service({ params: { service: poisoned } });
  expect(shown.service).toMatchObject({ stable: one, health: "serving" });
  await own.query("update rollouts set finished_at = now() where service = $1", [poisoned]);
  await own.end();
});

test("an immediate rollback that its operator calls off leaves the revision to return to", async () => {
  const gate = join(platform.home, `gate-${service}`);
  const before = `import { writeFileSync } from "node:fs"; if (existsSync(${JSON.stringify(gate)})) await new Promise(() => setInterval(() => {}, 1_000)); else writeFileSync(${JSON.stringify(gate)}, "");`;
  const first = await upload({ text: "1", before });
  await ended((await release(first)).rollout);
  const rollout = { ...manifestOf(service).rollout, stepSecondsMin: 0 };
  const second = await upload({ text: "2", change: { rollout } });
  const begun = await release(second);
  const params = { rolloutId: begun.rollout };
  await until(async () => (await admin.rollout({ params })).state === "progressing", {
    deadlineMs: 20_000,
    what: "the second is ready",
  });
  await admin.promote({ params, body: { full: true } });
  const back = await admin.rollback({ params: { service }, body: {} });
  expect(back.to).toBe(first);
  await admin.abort({ params: { rolloutId: back.rollout }, body: {} });
  const again = await admin.rollback({ params: { service }, body: {} });
  expect(again.to).toBe(first);
  await admin.abort({ params: { rolloutId: again.rollout }, body: {} });
});

test("an open console does not hold control up when it ends", async () => {
  const token = readFileSync(join(platform.home, "secrets/operator.token"), "utf8").trim();
  const console = connect(Number(new URL(origin).port), "127.0.0.1");
  let text = "";
  console.on("data", (chunk) => (text += String(chunk))).on("error", () => undefined);
  const head = [
    `GET ${ADMIN_STREAM_PATH} HTTP/1.1`,
    "host: 127.0.0.1:1",
    `authorization: Bearer ${token}`,
  ];
  console.write(`${head.join("\r\n")}\r\n\r\n`);
  await until(() => text.includes("event: changed"), { deadlineMs: 10_000, what: "the stream" });
  let isOver = false;
  left = control.leave().finally(() => (isOver = true));
  await until(() => isOver, { deadlineMs: 10_000, what: "control has ended" });
  console.destroy();
});
