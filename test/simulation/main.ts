/**
 * The simulator by hand:
 *
 *   node test/simulation/main.ts --seeds 2000 --seed 1       all scenarios, all planted bugs
 *   node test/simulation/main.ts --replay 17 --scenario sagas   one seed with its trace
 *
 * The exit code is 1 when a sound machine failed or a planted bug was not found.
 */
import { parseArgs } from "node:util";
import { MUTANTS } from "./mutants/index.ts";
import { SCENARIOS, find, rateOf, survive, tableOf } from "./search.ts";

const SEEDS_TO_FIND_MAX = 1_000;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "2000" },
    seed: { type: "string", default: "1" },
    replay: { type: "string" },
    scenario: { type: "string", default: "events" },
    mutant: { type: "string" },
  },
});

if (values.replay !== undefined) replay(Number(values.replay), values.scenario, values.mutant);
else search(Number(values.seeds), Number(values.seed));

function search(seeds: number, firstSeed: number): void {
  const survivals = Object.keys(SCENARIOS).map((name) => survive(name, firstSeed, seeds));
  const found = MUTANTS.map((mutant) => find(mutant, firstSeed, SEEDS_TO_FIND_MAX));
  console.log(rateOf(survivals));
  console.log(`\n${tableOf(found)}`);
  for (const { scenario, failed } of survivals) {
    for (const { seed, violations } of failed) {
      process.exitCode = 1;
      console.error(`${scenario}, seed ${seed}:`);
      for (const { checker, what } of violations) console.error(`  ${checker}: ${what}`);
    }
  }
  if (found.some((one) => one.seeds === null)) process.exitCode = 1;
}

function replay(seed: number, scenario: string, name: string | undefined): void {
  const run =
    name === undefined ? SCENARIOS[scenario] : MUTANTS.find((mutant) => mutant.name === name)?.run;
  if (run === undefined) throw new Error(`There is no ${name ?? scenario}.`);
  const { violations, trace } = run({ seed, traced: true });
  console.log(trace.join("\n"));
  for (const { checker, what } of violations) console.error(`${checker}: ${what}`);
  if (violations.length > 0) process.exitCode = 1;
}
