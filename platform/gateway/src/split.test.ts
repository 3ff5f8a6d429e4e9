import { assert, property, string } from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Split } from "./config.ts";
import { laneOf, placeOf } from "./split.ts";
import { revision, route, service, startFixture } from "./testing/fixture.ts";
import type { Fixture } from "./testing/fixture.ts";
import type { Upstream } from "./testing/upstream.ts";

const people = Array.from({ length: 10_000 }, (_, index) => `person per_${index}`);
const split = (weight: number): Split => {
  return { stable: "pay-1", candidate: "pay-2", weight, rollout: "rol_1" };
};
const chosen = (rollout: string, weight: number): Set<string> =>
  new Set(people.filter((key) => laneOf(split(weight), placeOf(rollout, key)) === "candidate"));

describe("the share of people", () => {
  test.each([1, 5, 25, 50])("is what the weight says, at %d percent", (weight) => {
    const share = weight / 100;
    // Four standard deviations of a binomial: a good hash misses it once in 16,000 salts.
    const tolerance = 4 * Math.sqrt(people.length * share * (1 - share));
    for (const rollout of ["rol_1", "rol_2", "rol_3"]) {
      const count = chosen(rollout, weight).size;
      expect(Math.abs(count - people.length * share)).toBeLessThan(tolerance);
    }
  });

  test("only ever moves towards the candidate as the weight rises", () => {
    let before = new Set<string>();
    for (const weight of [0, 0.5, 5, 25, 50, 99.9, 100]) {
      const now = chosen("rol_1", weight);
      expect([...before].every((key) => now.has(key))).toBe(true);
      before = now;
    }
    expect(chosen("rol_1", 0).size).toBe(0);
    expect(before.size).toBe(people.length);
  });

  test("is drawn anew for each rollout", () => {
    const first = chosen("rol_1", 50);
    const both = [...chosen("rol_2", 50)].filter((key) => first.has(key)).length;
    expect(both / people.length).toBeGreaterThan(0.22);
    expect(both / people.length).toBeLessThan(0.28);
  });

  test("every key has one place in [0, 1), and a name of 16 hex digits", () => {
    assert(
      property(string(), string(), (rollout, key) => {
        const place = placeOf(rollout, key);
        expect(place).toEqual(placeOf(rollout, key));
        expect(place.position >= 0 && place.position < 1).toBe(true);
        expect(place.person).toMatch(/^[0-9a-f]{16}$/);
      }),
    );
  });
});

describe("at the gateway", () => {
  let fixture: Fixture;
  let stable: Upstream;
  let candidate: Upstream;

  const configure = (weight: number): Promise<void> =>
    fixture.configure([
      service(
        "pay",
        [
          revision("pay-1", [route("GET /x")], [stable]),
          revision("pay-2", [route("GET /x"), route("GET /new")], [candidate]),
        ],
        weight,
      ),
    ]);
  const revisionFor = async (visitor: string): Promise<string> => {
    const headers = { cookie: `other=1; tideway_visitor=${visitor}` };
    return String((await fixture.send("/api/pay/x", { headers })).headers["tideway-revision"]);
  };
  const visitors = Array.from({ length: 200 }, (_, index) => String(index).padStart(22, "v"));

  beforeAll(async () => {
    fixture = await startFixture();
    stable = await fixture.upstream({ service: "pay", instance: "ins_1" });
    candidate = await fixture.upstream({ service: "pay", instance: "ins_2" });
  });
  afterAll(() => fixture.close());

  test("a visitor keeps meeting one revision, and moves to the candidate at most once", async () => {
    const met = new Map<string, string[]>();
    const byName = (a: string, b: string): number => a.localeCompare(b);
    for (const weight of [10, 10, 50, 100]) {
      await configure(weight);
      for (const visitor of visitors) {
        met.set(visitor, [...(met.get(visitor) ?? []), await revisionFor(visitor)]);
      }
    }
    for (const revisions of met.values()) {
      expect(revisions[0]).toBe(revisions[1]);
      expect(revisions).toEqual(revisions.toSorted(byName));
      expect(revisions[3]).toBe("pay-2");
    }
  });

  test("a browser gets a cookie that keeps it where its first answer came from", async () => {
    await configure(50);
    for (let i = 0; i < 20; i++) {
      const first = await fixture.send("/api/pay/x", { headers: { "sec-fetch-mode": "cors" } });
      const [cookie = ""] = first.headers["set-cookie"] ?? [];
      expect(cookie).toMatch(/^tideway_visitor=[\w-]{22}; Path=\/; .*HttpOnly; SameSite=Lax$/);
      const visitor = /=([\w-]{22});/.exec(cookie)?.[1] ?? "";
      expect(await revisionFor(visitor)).toBe(first.headers["tideway-revision"]);
    }
  });

  test("who keeps no cookies is told apart by address, and gets none", async () => {
    const replies = [];
    for (let i = 0; i < 10; i++) replies.push(await fixture.send("/api/pay/x"));
    expect(new Set(replies.map((reply) => reply.headers["tideway-revision"])).size).toBe(1);
    expect(replies.every((reply) => reply.headers["set-cookie"] === undefined)).toBe(true);
  });

  test("a route that only the candidate has is unknown to people on stable", async () => {
    await configure(50);
    for (const visitor of visitors.slice(0, 30)) {
      const headers = { cookie: `tideway_visitor=${visitor}` };
      const onCandidate = (await revisionFor(visitor)) === "pay-2";
      const reply = await fixture.send("/api/pay/new", { headers });
      expect(reply.status).toBe(onCandidate ? 200 : 404);
    }
  });
});
