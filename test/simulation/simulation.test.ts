/**
 * The real machines under the simulator: sound ones survive every seed, twelve planted bugs are each
 * found within 1,000 seeds, and the table says how soon. A seed gives the same run each time.
 */
import { expect, test } from "vitest";
import { MUTANTS } from "./mutants/index.ts";
import { SCENARIOS, find, rateOf, survive, tableOf } from "./search.ts";

const FIRST_SEED = 1;
const SEEDS_TO_FIND_MAX = 1_000;
const SEEDS = { events: 1_000, sagas: 2_000 };
const MS_MAX = 240_000;

test.each(Object.entries(SEEDS))(
  "sound machines survive: %s, %d seeds",
  (scenario, seeds) => {
    const survival = survive(scenario, FIRST_SEED, seeds);
    console.error(rateOf([survival]));
    const failed = survival.failed.map(({ seed, violations }) => ({ seed, violations }));
    expect(failed).toEqual([]);
    expect(survival.simulatedMs).toBeGreaterThan(seeds * 30_000);
  },
  MS_MAX,
);

test(
  "each of the twelve planted bugs is found within 1,000 seeds",
  () => {
    const found = MUTANTS.map((mutant) => find(mutant, FIRST_SEED, SEEDS_TO_FIND_MAX));
    console.error(tableOf(found));
    expect(found.length).toBe(12);
    expect(found.filter(({ seeds }) => seeds === null)).toEqual([]);
  },
  MS_MAX,
);

test.each(Object.keys(SCENARIOS))("a seed is repeated to the letter: %s", (scenario) => {
  for (const seed of [3, 1_017, 4_000_000_001]) {
    const [first, second] = [1, 2].map(() => SCENARIOS[scenario]?.({ seed, traced: true }));
    expect(first?.trace.length).toBeGreaterThan(100);
    expect(second).toEqual(first);
    expect(SCENARIOS[scenario]?.({ seed: seed + 1, traced: true }).trace).not.toEqual(first?.trace);
  }
});

/** What must have happened somewhere in the runs, or surviving them would say little. */
const CORNERS = {
  events: [
    / stale /,
    / unanswered /,
    / keep-failed/,
    / parked-read /,
    / redrive /,
    / (deleting|appending) unknown/,
    / single committed/,
    / batch unavailable/,
    / owns the log under [2-9]/,
  ],
  sagas: [
    / settle answered/,
    / undo answered/,
    / undo-tx answered/,
    / save unknown/,
    / save fenced/,
    / save failed/,
    /worker-\d is stopped/,
    / undone$/,
  ],
};

test.each(Object.entries(CORNERS))("the runs come to every corner: %s", (scenario, corners) => {
  const seen = new Set<RegExp>();
  for (let seed = FIRST_SEED; seed < FIRST_SEED + 40; seed++) {
    const lines = SCENARIOS[scenario]?.({ seed, traced: true }).trace ?? [];
    for (const corner of corners) if (lines.some((line) => corner.test(line))) seen.add(corner);
  }
  expect(corners.filter((corner) => !seen.has(corner)).map(String)).toEqual([]);
});
