import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { absoluteLogEvidence, absoluteTest, peopleNeeded } from "./absolute-test.ts";
import { seededRandom } from "./random.ts";

/** Clean people, one after another, until the evidence reaches its limit. */
const firstPass = (badRateMax: number, alpha: number, bad = 0): number => {
  const rule = absoluteTest(badRateMax, alpha);
  for (let clean = 0; clean < 100_000; clean++) {
    if (absoluteLogEvidence(rule, clean, bad) >= rule.logLimit) return clean;
  }
  return Infinity;
};

describe("clean people needed", () => {
  test.each([
    [0.03, 0.05, 99],
    [0.01, 0.05, 299],
    [0.03, 0.01, 152],
    [0.01, 0.01, 459],
  ])("%d at alpha %d takes exactly %d", (badRateMax, alpha, people) => {
    expect(firstPass(badRateMax, alpha)).toBe(people);
    expect(absoluteTest(badRateMax, alpha).peopleMin).toBe(people);
  });

  test("is at most 0.2 % above the smallest number any such test could need, rounded up", () => {
    const shares = fc.double({ min: 0.001, max: 0.5, noNaN: true });
    fc.assert(
      fc.property(shares, (share) => {
        const exact = Math.ceil(Math.log(20) / -Math.log(1 - share));
        const needed = absoluteTest(share, 0.05).peopleMin;
        expect(needed - exact).toBeGreaterThanOrEqual(0);
        expect(needed - exact).toBeLessThanOrEqual(1 + exact * 0.002);
      }),
    );
  });

  test("one bad person delays a pass and does not prevent it", () => {
    const needed = firstPass(0.03, 0.05, 1) + 1;
    expect(needed).toBeGreaterThan(99);
    expect(needed).toBeLessThan(450);
    expect(needed).toBe(peopleNeeded(absoluteTest(0.03, 0.05), 1));
  });

  test("a candidate that steadily fails a third of the limit passes", () => {
    const rule = absoluteTest(0.03, 0.05);
    expect(absoluteLogEvidence(rule, 990, 10)).toBeGreaterThan(rule.logLimit);
  });
});

describe("as an e-value", () => {
  test("no bet has a negative factor or is expected to win at or above the limit", () => {
    const shares = fc.double({ min: 0.0005, max: 0.9, noNaN: true });
    const alphas = fc.double({ min: 0.0001, max: 0.3, noNaN: true });
    const excess = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(shares, alphas, excess, (share, alpha, more) => {
        const chance = share + (1 - share) * more;
        const { bets } = absoluteTest(share, alpha);
        for (const { logClean, logBad } of bets) {
          const factor = (1 - chance) * Math.exp(logClean) + chance * Math.exp(logBad);
          expect(Math.exp(logBad)).toBeGreaterThanOrEqual(0);
          expect(factor).toBeLessThanOrEqual(1 + 1e-9);
        }
        const stake = bets.reduce((sum, bet) => sum + Math.exp(bet.logShare), 0);
        expect(stake).toBeCloseTo(1, 9);
      }),
    );
  });

  test("looked at after each person, it passes a candidate at the limit in at most 5 %", () => {
    const random = seededRandom(1);
    const rule = absoluteTest(0.03, 0.05);
    const runs = 1_000;
    const passes = Array.from({ length: runs }, () => {
      let bad = 0;
      for (let people = 1; people <= 1_500; people++) {
        bad += random() < 0.03 ? 1 : 0;
        if (absoluteLogEvidence(rule, people - bad, bad) >= rule.logLimit) return 1;
      }
      return 0;
    });
    const rate = passes.reduce<number>((sum, one) => sum + one, 0) / runs;
    expect(rate).toBeLessThanOrEqual(0.06);
    expect(rate).toBeGreaterThan(0.02);
  });

  test("millions of people stay finite and nobody is evidence 1", () => {
    const rule = absoluteTest(0.03, 0.05);
    expect(absoluteLogEvidence(rule, 0, 0)).toBeCloseTo(0, 12);
    expect(Number.isFinite(absoluteLogEvidence(rule, 5_000_000, 200_000))).toBe(true);
  });
});
