import { until } from "@tideway/kernel";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { EvidencePage, EvidenceRecord } from "./config.ts";
import { Evidence } from "./evidence.ts";
import type { Outcome } from "./evidence.ts";
import { EVIDENCE_PAGE_RECORDS, EVIDENCE_RING_RECORDS } from "./limits.ts";
import { RecentPeople } from "./people.ts";
import { laneOf, placeOf } from "./split.ts";
import { revision, route, service, startFixture } from "./testing/fixture.ts";
import type { Fixture, Reply } from "./testing/fixture.ts";
import type { Respond, Upstream } from "./testing/upstream.ts";

const fail: Respond = (_, res) => {
  res.writeHead(500);
  res.end();
};
const visitor = (index: number): string => String(index).padStart(22, "v");

describe("at the gateway", () => {
  let fixture: Fixture;
  let stable: Upstream;
  let candidate: Upstream;
  const routes = [route("GET /x"), route("GET /y/:id", { deadlineMs: 100 })];

  const configure = (weight: number, rollout = "rol_1"): Promise<void> => {
    const revisions = [revision("pay-1", routes, [stable]), revision("pay-2", routes, [candidate])];
    const config = service("pay", revisions, weight);
    return fixture.configure([{ ...config, split: { ...config.split, rollout } }]);
  };
  const visit = (index: number, path = "/x"): Promise<Reply> =>
    fixture.send(`/api/pay${path}`, { headers: { cookie: `tideway_visitor=${visitor(index)}` } });
  const page = (after = 0, rollout = "rol_1"): EvidencePage =>
    fixture.gateway.evidence("pay", rollout, after);
  const of = (kind: string): EvidenceRecord[] => page().records.filter((one) => one.kind === kind);

  beforeEach(async () => {
    fixture = await startFixture();
    stable = await fixture.upstream({ service: "pay", instance: "ins_1" });
    candidate = await fixture.upstream({ service: "pay", instance: "ins_2", respond: fail });
  });
  afterEach(() => fixture.close());

  test("people are seen once a lane and bad once in all, at the lane they belong to", async () => {
    await configure(40);
    for (let round = 0; round < 3; round++) {
      for (let index = 0; index < 50; index++) await visit(index);
    }
    const split = { stable: "pay-1", candidate: "pay-2", weight: 40, rollout: "rol_1" };
    const expected = Array.from({ length: 50 }, (_, index) => {
      const place = placeOf("rol_1", `visitor ${visitor(index)}`);
      return { person: place.person, lane: laneOf(split, place) };
    });
    const seen = of("seen").map(({ person, lane }) => ({ person, lane }));
    expect(seen).toEqual(expected);
    const bad = of("bad");
    expect(bad.map((one) => one.person)).toEqual(
      expected.filter((one) => one.lane === "candidate").map((one) => one.person),
    );
    expect(bad[0]).toMatchObject({
      weight: 40,
      route: "GET /x",
      status: 500,
      reason: "5xx",
      traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    const [tally] = page().routes;
    const failed = bad.length * 3;
    expect(tally).toMatchObject({
      route: "GET /x",
      stable: { total: 150 - failed, bad: 0 },
      candidate: { total: failed, bad: failed, runMax: failed },
    });
  });

  test("whoever was bad at one lane gives no second bad at the other", async () => {
    stable.respond = fail;
    await configure(0);
    await visit(1);
    await configure(100);
    await visit(1);
    expect(page().records.map((one) => [one.kind, one.lane, one.weight])).toEqual([
      ["seen", "stable", 0],
      ["bad", "stable", 0],
      ["seen", "candidate", 100],
    ]);
  });

  test("a time-out is bad, and the label says for which route", async () => {
    candidate.respond = () => undefined;
    await configure(100);
    await visit(1, "/y/secret-id");
    expect(of("bad")).toMatchObject([{ reason: "timeout", route: "GET /y/:id", status: null }]);
    expect(JSON.stringify(page())).not.toContain("secret-id");
  });

  test("a retry that saves the request does not save the label", async () => {
    candidate.respond = (_, __, req) => req.socket.destroy();
    await candidate.close();
    await configure(100);
    const reply = await visit(1);
    expect([reply.status, reply.headers["tideway-revision"]]).toEqual([200, "pay-1"]);
    expect(page().records.map((one) => [one.kind, one.lane, one.reason])).toEqual([
      ["seen", "candidate", null],
      ["bad", "candidate", "lost"],
    ]);
  });

  test("what the gateway refuses by itself is no evidence", async () => {
    await configure(100);
    expect((await visit(1, "/nothing")).status).toBe(404);
    expect(page().records).toEqual([]);
  });

  test("paging goes on after the last record; another rollout starts empty", async () => {
    await configure(100);
    await visit(1);
    const first = page();
    expect(first.records).toHaveLength(2);
    expect(page(first.next)).toMatchObject({ records: [], next: first.next, dropped: 0 });
    await visit(2);
    expect(page(first.next).records.map((one) => one.seq)).toEqual([3, 4]);
    await configure(100, "rol_2");
    expect(page(0, "rol_2").records).toEqual([]);
    expect(() => page(0, "rol_1")).toThrow("no evidence");
  });

  test("distinct people of the last 10 s are counted, and those with a bad answer", async () => {
    await configure(100);
    for (let index = 0; index < 5; index++) await visit(index);
    for (let index = 0; index < 5; index++) await visit(index);
    candidate.respond = (_, res) => res.end("{}");
    for (let index = 5; index < 12; index++) await visit(index);
    const people = await until(() => fixture.gateway.state().services[0]?.people, {
      deadlineMs: 1_000,
      what: "the state",
    });
    expect(people).toEqual({ seen: 12, bad: 5 });
  });
});

describe("the book of evidence", () => {
  const outcome = (index: number, extra: Partial<Outcome> = {}): Outcome => ({
    lane: "candidate",
    place: placeOf("rol_1", String(index)),
    weight: 5,
    route: "GET /x",
    status: 200,
    reason: null,
    traceId: "0".repeat(32),
    durationMs: 1,
    atMs: 1,
    ...extra,
  });

  test("the ring keeps the newest 65,536 records and says how many were lost", () => {
    const evidence = new Evidence("rol_1");
    const total = EVIDENCE_RING_RECORDS + 100;
    for (let index = 0; index < total; index++) evidence.record(outcome(index));
    let after = 0;
    let read = 0;
    let dropped = 0;
    for (;;) {
      const page = evidence.page("boot", after);
      if (page.records.length === 0) break;
      expect(page.records.length).toBeLessThanOrEqual(EVIDENCE_PAGE_RECORDS);
      read += page.records.length;
      dropped += page.dropped;
      after = page.next;
    }
    expect({ read, dropped, after }).toEqual({
      read: EVIDENCE_RING_RECORDS,
      dropped: 100,
      after: total,
    });
  });

  test("the longest run of bad ones in a row is kept by route; stable does not break it", () => {
    const evidence = new Evidence("rol_1");
    const bad = { status: 500, reason: "5xx" } as const;
    for (const [index, extra] of [
      bad,
      bad,
      {},
      bad,
      bad,
      bad,
      { lane: "stable" as const },
      bad,
      {},
      bad,
    ].entries()) {
      evidence.record(outcome(index, extra));
    }
    evidence.record(outcome(99, { ...bad, route: "GET /y" }));
    expect(evidence.page("boot", 0).routes).toEqual([
      { route: "GET /x", stable: { total: 1, bad: 0 }, candidate: { total: 9, bad: 7, runMax: 4 } },
      { route: "GET /y", stable: { total: 0, bad: 0 }, candidate: { total: 1, bad: 1, runMax: 1 } },
    ]);
  });
});

test("people are forgotten ten seconds after they were last seen", () => {
  const people = new RecentPeople();
  people.see("a", 100);
  people.see("b", 101);
  people.see("a", 105);
  expect(people.count(109)).toBe(2);
  expect(people.count(111)).toBe(1);
  expect(people.count(115)).toBe(0);
});
