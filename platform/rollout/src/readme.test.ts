/** The README's tables are what the code computes; a change of either must change the other. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { absoluteTest, peopleNeeded } from "./absolute-test.ts";
import { addBadEvent, logEvidence, worseTest } from "./ratio-test.ts";
import { count } from "./sentences.ts";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

test("the table of bad answers that decide", () => {
  const rows = [1, 5, 10, 25, 50, 75, 90].map((weight) => {
    return [`${weight} %`, ...[0, 1, 5, 20].map((stable) => count(deciding(weight, stable)))];
  });
  expect(tableOf("decides")).toEqual(rows);
});

test("the table of people that a pass takes", () => {
  const rows = [0.03, 0.01, 0.005].map((limit) => {
    const rule = absoluteTest(limit, 0.05);
    const needed = [0, 1, 2, 5, 10].map((bad) => count(peopleNeeded(rule, bad)));
    return [`${limit * 100} %`, ...needed];
  });
  expect(tableOf("people")).toEqual(rows);
});

/** Bad answers of the candidate that bring the evidence to 100 after so many of stable. */
function deciding(weight: number, stable: number): number {
  const rule = worseTest(1);
  const logs = rule.alternatives.map(() => 0);
  for (let i = 0; i < stable; i++) addBadEvent(rule, logs, "stable", weight);
  for (let candidate = 1; candidate < 10_000; candidate++) {
    addBadEvent(rule, logs, "candidate", weight);
    if (logEvidence(logs) >= Math.log(100)) return candidate;
  }
  throw new Error(`Nothing decides at ${weight} %.`);
}

function tableOf(name: string): string[][] {
  const [, after = ""] = readme.split(`<!-- table: ${name} -->`);
  const [table = ""] = after.split("<!-- end -->");
  const lines = table.trim().split("\n").slice(2);
  return lines.map((line) => {
    const cells = line.split("|").slice(1, -1);
    return cells.map((cell) => cell.trim());
  });
}
