import { describe, expect, test } from "vitest";
import { JUDGE_POLICY, crowdOf, evidenceOf, routeOf } from "./builders.ts";
import { judge } from "./judge.ts";
import type { Evidence } from "./judge.ts";
import { tallyOf } from "./tally.ts";

const AFTER_DWELL_MS = 30_000;
const AFTER_LONGEST_MS = 600_000;
const at = (nowMs: number, evidence: Evidence, policy = JUDGE_POLICY) =>
  judge(evidence, policy, nowMs);
const step = evidenceOf([]).step;

describe("fail", () => {
  test("three bad people of the candidate at 5 % and none of stable decide, two do not", () => {
    const verdict = at(0, evidenceOf(crowdOf("candidate", 3, 3)));
    expect(verdict).toMatchObject({ verdict: "fail", rule: "worse" });
    expect(verdict.evidence.worse).toBeGreaterThanOrEqual(100);
    expect(at(0, evidenceOf(crowdOf("candidate", 2, 2))).verdict).toBe("inconclusive");
  });

  test("is decided at the first crossing and does not heal", () => {
    const records = [...crowdOf("candidate", 3, 3), ...crowdOf("stable", 900, 300)];
    expect(at(AFTER_DWELL_MS, evidenceOf(records))).toMatchObject({ rule: "worse" });
  });

  test("the reason has both lanes' people and the evidence", () => {
    const records = [...crowdOf("stable", 1204, 1), ...crowdOf("candidate", 60, 9)];
    expect(at(0, evidenceOf(records)).reason).toMatch(
      /^9 of 60 people had a bad answer, on stable 1 of 1,204 \(evidence for worse .+ of 100\)\.$/,
    );
  });

  test("five bad answers in a row fail before the shortest time is over", () => {
    const routes = [routeOf([500, 0], [5, 5, 5])];
    expect(at(0, evidenceOf([], { routes }))).toMatchObject({ verdict: "fail", rule: "in-a-row" });
  });

  test("bad answers in a row do not count while both lanes suffer, evidence for worse does", () => {
    const routes = [routeOf([500, 0], [5, 5, 5])];
    expect(at(0, evidenceOf([], { routes, disturbed: true })).verdict).toBe("inconclusive");
    const worse = evidenceOf(crowdOf("candidate", 3, 3), { disturbed: true });
    expect(at(0, worse).verdict).toBe("fail");
  });
});

describe("pass", () => {
  test("99 clean people and two error-free lanes pass once the shortest time is over", () => {
    const evidence = evidenceOf([...crowdOf("stable", 1900), ...crowdOf("candidate", 99)]);
    expect(at(AFTER_DWELL_MS - 1, evidence)).toMatchObject({ rule: "too-early" });
    const verdict = at(AFTER_DWELL_MS, evidence);
    expect(verdict).toMatchObject({ verdict: "pass", rule: "good-enough" });
    expect(verdict.evidence).toMatchObject({ goodLimit: 20, worseLimit: 100, worse: 1 });
  });

  test("98 do not, and the reason says how many are about to do", () => {
    const verdict = at(AFTER_DWELL_MS, evidenceOf(crowdOf("candidate", 98)));
    expect(verdict).toMatchObject({
      verdict: "inconclusive",
      rule: "undecided",
      reason: "Not enough people yet: 98 of about 99.",
    });
  });

  test("a limit of 1 % takes 299 people", () => {
    const policy = { ...JUDGE_POLICY, badRateMax: 0.01 };
    expect(at(AFTER_DWELL_MS, evidenceOf(crowdOf("candidate", 298)), policy).verdict).toBe(
      "inconclusive",
    );
    expect(at(AFTER_DWELL_MS, evidenceOf(crowdOf("candidate", 299)), policy).verdict).toBe("pass");
  });

  test("one bad person among enough clean ones does not prevent it", () => {
    const records = [...crowdOf("stable", 8000, 20), ...crowdOf("candidate", 400, 1)];
    expect(at(AFTER_DWELL_MS, evidenceOf(records)).verdict).toBe("pass");
  });

  test("a service that fails many people passes by comparison with stable", () => {
    const records = [...crowdOf("stable", 2000, 180), ...crowdOf("candidate", 2000, 180)];
    const mixed = records.map((record) => ({ ...record, weight: 50 }));
    const policy = { ...JUDGE_POLICY, badRateMax: 0.001 };
    const tally = tallyOf(interleave(mixed), policy);
    const verdict = judge({ ...evidenceOf([]), tally }, policy, AFTER_DWELL_MS);
    expect(verdict).toMatchObject({ verdict: "pass", rule: "not-too-bad" });
    expect(verdict.reason).toMatch(/^2,000 people, 180 bad: no worse than stable \(evidence/);
  });

  test("perhaps worse than stable is not good enough", () => {
    const records = [...crowdOf("stable", 20_000), ...crowdOf("candidate", 1000, 2)];
    const verdict = at(AFTER_DWELL_MS, evidenceOf(records));
    expect(verdict.evidence.good).toBeGreaterThan(20);
    expect(verdict).toMatchObject({ verdict: "inconclusive", rule: "suspicious" });
  });

  test("a step in which the candidate answered nobody does not pass on older evidence", () => {
    const records = crowdOf("candidate", 500);
    const silent = { ...step, requestsBefore: 10 };
    expect(at(AFTER_DWELL_MS, evidenceOf(records, { step: silent })).rule).toBe("silent");
    const unknown = { ...step, requestsBefore: null };
    expect(at(AFTER_DWELL_MS, evidenceOf(records, { step: unknown })).rule).toBe("silent");
    // Fewer than before: the gateway was restarted and counts anew.
    const restarted = { ...step, requestsBefore: 900 };
    expect(at(AFTER_DWELL_MS, evidenceOf(records, { step: restarted })).verdict).toBe("pass");
  });

  test("lost records count as bad people, so a pass stands in the worst case or not at all", () => {
    const tally = { ...tallyOf(crowdOf("candidate", 99), JUDGE_POLICY), lost: 1 };
    const verdict = at(AFTER_DWELL_MS, { ...evidenceOf([]), tally });
    expect(verdict.rule).toBe("undecided");
    expect(verdict.reason).toContain("1 record was lost and counts as bad");
    const many = { ...tallyOf(crowdOf("candidate", 1000), JUDGE_POLICY), lost: 1 };
    expect(at(AFTER_DWELL_MS, { ...evidenceOf([]), tally: many }).verdict).toBe("pass");
  });
});

describe("time", () => {
  test("uncounted time does not bring a pass nearer", () => {
    const evidence = evidenceOf(crowdOf("candidate", 99), {
      step: { ...step, uncountedMs: 1 },
    });
    expect(at(AFTER_DWELL_MS, evidence).rule).toBe("too-early");
    expect(at(AFTER_DWELL_MS + 1, evidence).verdict).toBe("pass");
  });

  test("the longest time over without a verdict is overdue, with what is missing", () => {
    const evidence = evidenceOf(crowdOf("candidate", 41));
    expect(at(AFTER_LONGEST_MS - 1, evidence).rule).toBe("undecided");
    expect(at(AFTER_LONGEST_MS, evidence)).toMatchObject({
      verdict: "inconclusive",
      rule: "overdue",
      reason: "No verdict within 600 s. Not enough people yet: 41 of about 99.",
    });
  });
});

describe("the share of people", () => {
  test("is that of the people whom this weight met first", () => {
    const earlier = [...crowdOf("stable", 950, 0, 5), ...crowdOf("candidate", 50, 0, 5)];
    const now = [
      ...crowdOf("stable", 30, 0, 25).map((one) => ({ ...one, person: `new-${one.person}` })),
      ...crowdOf("candidate", 10, 0, 25).map((one) => ({ ...one, person: `new-${one.person}` })),
    ];
    const atFive = evidenceOf([...earlier, ...now]);
    expect(at(0, atFive).actualShare).toBe(5);
    expect(at(0, { ...atFive, step: { ...step, weight: 25 } }).actualShare).toBe(25);
  });

  test("is that of everybody where few are new, and null before the first", () => {
    const records = [...crowdOf("stable", 3), ...crowdOf("candidate", 1)];
    expect(at(0, evidenceOf(records)).actualShare).toBe(25);
    expect(at(0, evidenceOf([])).actualShare).toBeNull();
  });
});

test("every number of a verdict survives JSON, with millions of people too", () => {
  const tally = {
    ...tallyOf(crowdOf("candidate", 3, 3), JUDGE_POLICY),
    peopleStable: 40_000_000,
    worseLogMax: 4000,
    worseLog: 4000,
    clean: 2_000_000,
  };
  const verdict = at(AFTER_DWELL_MS, { ...evidenceOf([]), tally });
  expect(JSON.parse(JSON.stringify(verdict))).toEqual(verdict);
  expect(verdict.evidence.worse).toBeGreaterThan(1e6);
});

/** Alternates the lanes' records, as traffic would. */
function interleave<T>(items: readonly T[]): T[] {
  const half = items.length / 2;
  return items.slice(0, half).flatMap((item, i) => [item, ...items.slice(half + i, half + i + 1)]);
}
