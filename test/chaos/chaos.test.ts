/**
 * Two minutes of chaos over a whole installation. The seed is printed; TIDEWAY_TEST_SEED repeats its
 * choices, not their timing.
 */
import { expect, test } from "vitest";
import { runChaos } from "./run-chaos.ts";

const seed = Number(process.env["TIDEWAY_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
const MS_MAX = 600_000;

test(
  "two minutes of kills, pauses and cuts lose nothing and do nothing twice",
  async () => {
    const note = (text: string): void => console.error(text);
    note(`seed ${seed}`);
    const report = await runChaos({ seed, seconds: 120, perSecond: 30, note });
    note(JSON.stringify(report, null, 2));
    expect(report.violations).toEqual([]);
    const kills = Object.values(report.kills).reduce((sum, count) => sum + count, 0);
    expect(kills).toBeGreaterThan(10);
    expect(report.acknowledged).toBeGreaterThan(500);
    expect(report.cuts.beforeCommit + report.cuts.afterCommit).toBeGreaterThan(0);
  },
  MS_MAX,
);
