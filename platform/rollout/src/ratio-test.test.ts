import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addBadEvent, logEvidence, notTooBadTest, worseTest } from "./ratio-test.ts";
import type { RatioTest } from "./ratio-test.ts";

const weights = fc.double({ min: 0.1, max: 99.9, noNaN: true });
const lanes = fc.constantFrom("stable" as const, "candidate" as const);
const histories = fc.array(fc.record({ lane: lanes, weight: weights }), { maxLength: 60 });

const chanceOfCandidate = (ratio: number, weight: number): number => {
  const w = weight / 100;
  return (w * ratio) / (1 - w + w * ratio);
};

const evidenceAfter = (
  ratioTest: RatioTest,
  events: readonly { lane: "stable" | "candidate"; weight: number }[],
): number => {
  const logs = ratioTest.alternatives.map(() => 0);
  for (const { lane, weight } of events) addBadEvent(ratioTest, logs, lane, weight);
  return logEvidence(logs);
};

/** Expected evidence after one more event, relative to the evidence before it. */
const growth = (
  ratioTest: RatioTest,
  history: readonly { lane: "stable" | "candidate"; weight: number }[],
  weight: number,
  ratio: number,
): number => {
  const now = evidenceAfter(ratioTest, history);
  const chance = chanceOfCandidate(ratio, weight);
  const factor = (lane: "stable" | "candidate"): number =>
    Math.exp(evidenceAfter(ratioTest, [...history, { lane, weight }]) - now);
  return chance * factor("candidate") + (1 - chance) * factor("stable");
};

describe("the e-process on bad events", () => {
  test("evidence for worse is not expected to grow while the ratio is tolerated", () => {
    const ratios = fc.double({ min: 0.01, max: 1, noNaN: true });
    fc.assert(
      fc.property(histories, weights, ratios, (history, weight, ratio) => {
        expect(growth(worseTest(1), history, weight, ratio)).toBeLessThanOrEqual(1 + 1e-9);
      }),
    );
  });

  test("evidence for not too bad is not expected to grow while the ratio is at least r1", () => {
    const ratios = fc.double({ min: 2, max: 100, noNaN: true });
    fc.assert(
      fc.property(histories, weights, ratios, (history, weight, ratio) => {
        expect(growth(notTooBadTest(2), history, weight, ratio)).toBeLessThanOrEqual(1 + 1e-9);
      }),
    );
  });

  test("evidence for worse is expected to grow when the candidate is much worse", () => {
    expect(growth(worseTest(1), [], 5, 20)).toBeGreaterThan(1.5);
  });

  test("the exact chance of ever crossing within 600 events stays below alpha", () => {
    for (const weight of [5, 25, 50]) {
      const chance = crossingChance(worseTest(1), weight, 600, 1 / 0.01);
      expect(chance).toBeLessThanOrEqual(0.01);
      expect(chance).toBeGreaterThan(0.0005);
    }
  });

  test("the order of weights and lanes of one event does not matter, only their product", () => {
    const one = { lane: "candidate", weight: 5 } as const;
    const other = { lane: "stable", weight: 25 } as const;
    expect(evidenceAfter(worseTest(1), [one, other])).toBeCloseTo(
      evidenceAfter(worseTest(1), [other, one]),
      12,
    );
  });
});

describe("numerical edges", () => {
  test("an event at weight 0, 100 or no number changes nothing", () => {
    for (const weight of [0, 100, -1, 101, Number.NaN, Infinity]) {
      expect(evidenceAfter(worseTest(1), [{ lane: "candidate", weight }])).toBe(0);
    }
  });

  test("no event is evidence 1", () => {
    expect(logEvidence([])).toBe(0);
    expect(evidenceAfter(worseTest(1), [])).toBe(0);
  });

  test("a million events neither overflow nor vanish", () => {
    const ratioTest = worseTest(1);
    for (const lane of ["candidate", "stable"] as const) {
      const logs = ratioTest.alternatives.map(() => 0);
      for (let i = 0; i < 1_000_000; i++) addBadEvent(ratioTest, logs, lane, 5);
      expect(Number.isFinite(logEvidence(logs))).toBe(true);
      expect(Math.sign(logEvidence(logs))).toBe(lane === "candidate" ? 1 : -1);
    }
  });

  test("a tolerated ratio drops the alternatives that it covers", () => {
    expect(worseTest(1.5).alternatives).toEqual([2, 3, 5, 10, 20, 50]);
    expect(() => worseTest(50)).toThrow("No alternative");
  });
});

/**
 * By dynamic programming over the number of events that fell on the candidate: with one weight the
 * evidence depends on counts alone, so the chance of a first crossing is exact, not sampled.
 */
function crossingChance(
  ratioTest: RatioTest,
  weight: number,
  events: number,
  limit: number,
): number {
  const step = (lane: "stable" | "candidate"): number[] => {
    const logs = ratioTest.alternatives.map(() => 0);
    addBadEvent(ratioTest, logs, lane, weight);
    return logs;
  };
  const [candidateLogs, stableLogs] = [step("candidate"), step("stable")];
  const w = weight / 100;
  let chances = [1];
  let crossed = 0;
  for (let n = 1; n <= events; n++) {
    const next = Array.from({ length: n + 1 }, (_, k) => {
      return (chances[k] ?? 0) * (1 - w) + (chances[k - 1] ?? 0) * w;
    });
    chances = next.map((chance, k) => {
      if (chance < 1e-15) return chance;
      const logs = candidateLogs.map((log, j) => log * k + (stableLogs[j] ?? 0) * (n - k));
      if (logEvidence(logs) < Math.log(limit)) return chance;
      crossed += chance;
      return 0;
    });
  }
  return crossed;
}
