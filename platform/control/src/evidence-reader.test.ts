/** Evidence from a real gateway into a real database, over restarts of both sides. */
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import type { EvidencePage, EvidenceRecord, Gateway } from "@tideway/gateway";
import type { Observation, RolloutState } from "@tideway/rollout";
import { createPool } from "@tideway/store";
import { assertionKeyOf, authHashOf, newInstanceSecret } from "@tideway/trust";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createEvidenceReader } from "./evidence-reader.ts";
import type { FetchEvidence } from "./evidence-reader.ts";
import { openTestPlatform, stateOf } from "./test/platform.ts";
import type { TestPlatform } from "./test/platform.ts";
import { manifestOf } from "./test/small-service.ts";

let platform: TestPlatform;
let front: Gateway;
let upstreamUrl: string;
let rollout: string;
let state: RolloutState;
let epoch = 0;
const upstream = createServer((incoming, reply) => {
  if (incoming.url?.startsWith("/fail")) reply.statusCode = 500;
  reply.end("answered");
});

beforeAll(async () => {
  platform = await openTestPlatform();
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  // A listening TCP server has an AddressInfo, never a string.
  upstreamUrl = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  front = await platform.restartGateway();
});
afterAll(async () => {
  await platform.close();
  upstream.closeAllConnections();
  upstream.close();
});
beforeEach(async () => {
  const { pool } = platform.database;
  await pool.query("update rollouts set finished_at = now() where finished_at is null");
  const one = await platform.add({ service: "shop", text: "1" });
  const two = await platform.add({ service: "shop", text: "2" });
  state = stateOf(one, two, { name: "progressing", weight: 50 });
  rollout = await platform.rollout(one, two, state);
  await configure();
});

const fetchPage: FetchEvidence = (service, id, after) =>
  platform.gateway.evidence({ service, rollout: id, after });
const openReader = (fetch = fetchPage) => createEvidenceReader(platform.database.pool, fetch);
type Reader = ReturnType<typeof openReader>;
const read = async (reader: Reader): Promise<NonNullable<Observation["evidence"]>> => {
  const evidence = await reader.read("shop", rollout, state);
  if (evidence === null) throw new Error("The gateway did not answer.");
  return evidence;
};
const requestsOf = ({ routes }: NonNullable<Observation["evidence"]>): number =>
  routes.reduce((sum, { stable, candidate }) => sum + stable.total + candidate.total, 0);

async function configure(): Promise<void> {
  const { routes } = manifestOf("shop");
  const revisions = ["shop-1", "shop-2"].map((id) => {
    const secret = newInstanceSecret();
    const keys = { authHash: authHashOf(secret), assertionKey: assertionKeyOf(secret) };
    const endpoints = [{ instance: `ins_${id}`, url: upstreamUrl, ...keys }];
    return { id, routes, calls: [], grants: [], endpoints };
  });
  const split = { stable: "shop-1", candidate: "shop-2", weight: 50, rollout };
  await platform.gateway.putConfig({
    epoch: ++epoch,
    services: [{ name: "shop", enforcesGrants: false, split, revisions }],
    apps: [],
    tokens: { service: "identity", path: "/keys", issuer: "identity" },
  });
}

/** `count` visitors, always the same ones, ask once each. */
async function visit(count: number, path = "/look"): Promise<void> {
  for (let i = 0; i < count; i++) {
    const visitor = String(i).padStart(22, "v");
    await new Promise<void>((resolve, reject) => {
      const headers = { cookie: `tideway_visitor=${visitor}` };
      const to = { host: "127.0.0.1", port: front.publicPort, path: `/api/shop${path}`, headers };
      request(to, (reply) => reply.resume().once("end", resolve))
        .once("error", reject)
        .end();
    });
  }
}

test("people count once though the gateway was restarted and met them again", async () => {
  const reader = openReader();
  await visit(12);
  const before = await read(reader);
  expect(before.tally).toMatchObject({ people: 12, lost: 0 });
  expect(requestsOf(before)).toBe(12);
  front = await platform.restartGateway();
  await visit(20);
  const after = await read(reader);
  expect(after.tally).toMatchObject({ people: 20, lost: 0 });
  // Requests of the gateway that ended are not forgotten.
  expect(requestsOf(after)).toBe(32);
});

test("a control that comes back knows what the last one knew, also of a gateway that ended", async () => {
  const first = openReader();
  await visit(10);
  await visit(4, "/fail");
  await read(first);
  front = await platform.restartGateway();
  await visit(30);
  const known = await read(first);
  const found = await read(openReader());
  // The judge's tests depend on the order of people and bad answers: all numbers are the same.
  expect(found.tally).toEqual(known.tally);
  expect(found.tally.badStable + found.tally.badCandidate).toBe(4);
  expect(requestsOf(found)).toBe(requestsOf(known));
});

test("a page that could not be kept whole is not half counted", async () => {
  const { pool, adminUrl } = platform.database;
  const admin = createPool({ url: adminUrl, connectionsMax: 1, applicationName: "test" });
  const reader = openReader();
  await visit(6);
  await read(reader);
  await visit(9);
  await visit(3, "/fail");
  await admin.query("revoke insert on rollout_bad from control_app");
  await expect(read(reader)).rejects.toThrow("permission denied");
  await admin.query("grant insert on rollout_bad to control_app");
  await admin.end();
  const { tally } = await read(reader);
  expect(tally.people).toBe(9);
  expect(tally.badStable + tally.badCandidate).toBe(3);
  const rows = await pool.query("select 1 from rollout_bad where rollout = $1", [rollout]);
  expect(rows.rowCount).toBe(3);
});

test("what was overwritten before it was read is lost once, and only that", async () => {
  const record = (seq: number): EvidenceRecord => {
    const person = `person-${seq}`;
    const nothing = { route: null, status: null, reason: null, traceId: null, durationMs: null };
    return { seq, kind: "seen", lane: "stable", person, weight: 50, atMs: 0, ...nothing };
  };
  // A ring of ten, as the gateway keeps 65,536.
  let written = 0;
  const ring: FetchEvidence = (_, __, after) => {
    const oldest = Math.max(1, written - 9);
    const from = Math.max(after + 1, oldest);
    const count = Math.max(0, written - from + 1);
    const records = Array.from({ length: count }, (_, i) => record(from + i));
    const next = records.at(-1)?.seq ?? after;
    const dropped = Math.max(0, oldest - after - 1);
    const page: EvidencePage = { bootId: "boot", records, next, dropped, routes: [] };
    return Promise.resolve(page);
  };
  const first = openReader(ring);
  written = 8;
  await read(first);
  written = 15;
  expect((await read(first)).tally).toMatchObject({ people: 15, lost: 0 });
  // Another control reads on where this one stood; the five that are overwritten were read.
  expect((await read(openReader(ring))).tally).toMatchObject({ people: 15, lost: 0 });
  written = 27;
  expect((await read(first)).tally).toMatchObject({ people: 25, lost: 2 });
  written = 39;
  expect((await read(first)).tally).toMatchObject({ people: 35, lost: 4 });
  expect((await read(openReader(ring))).tally).toMatchObject({ people: 35, lost: 4 });
});
